"""The comparison of a teacher and its students: numbers, plots and a page that shows them."""
