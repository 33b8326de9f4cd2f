# Prints the list of test programs; used by tools/test.
print-tests:
	@echo $(check_PROGRAMS) $(check_SCRIPTS)
