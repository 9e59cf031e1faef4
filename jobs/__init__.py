"""The commands: arguments, printing, exit codes.  The only code that prints; knows neither SQL nor HTTP."""
