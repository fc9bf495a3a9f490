"""What the order functions have in common; packed into each of them."""
