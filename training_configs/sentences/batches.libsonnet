// A window has as many words as several sentences.
{ data_loader+: { batch_sampler+: { batch_size: 8 } } }
