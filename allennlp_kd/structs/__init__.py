"""Potentials and algorithms over them: linear chains (`chain`) and dependency trees (`tree`). Pure torch."""
