package store_test

const crashChild = "AIHUB_TEST_CRASH_CHILD"

func writeUntilKilled(string) {}
