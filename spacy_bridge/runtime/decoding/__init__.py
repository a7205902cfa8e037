"""From scores to tags, trees and spans."""
