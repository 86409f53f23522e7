package e2e

import (
	"os"
	"testing"

	"aihub/e2e/rig"
)

func TestMain(m *testing.M) {
	code := m.Run()
	rig.Clean()
	os.Exit(code)
}
