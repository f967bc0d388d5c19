"""What is answered to applications: values to read, and the functions that read them."""
