package bustest_test

import (
	"testing"

	"aihub/hub"
	"aihub/hub/bustest"
)

func TestMemory(t *testing.T) {
	bustest.Run(t, func(*testing.T) (hub.Bus, hub.Bus) {
		b := bustest.NewMemory()
		return b, b
	})
}
