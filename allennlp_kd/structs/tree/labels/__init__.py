"""Label scores of arcs, stored as factors."""
