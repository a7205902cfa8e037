"""Decodes scores to tags, trees and spans."""
