"""What machines ask: is the process up, is it ready, how much waits."""
