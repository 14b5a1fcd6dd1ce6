"""Reports on a call of a recurrent layer (`explain`) and notes on the errors it raises (`clarify`)."""
