"""What ``storewarden doctor`` looks at: the machine, the places, the services. Changes nothing."""
