# Prints the list of test programs; used by tools/test.
print-tests:
	@echo $(TESTS)
