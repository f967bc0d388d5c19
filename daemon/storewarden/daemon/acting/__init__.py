"""What is due, and what people wish, is carried out."""
