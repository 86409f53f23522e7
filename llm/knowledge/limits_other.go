//go:build !linux

package knowledge

func limitResources() {}
