// Package frontend holds the built pages; `npm run build` in this folder makes them and CI proves that the committed
// ones equal their source. The program therefore builds without Node.
package frontend

import (
	"embed"
	"io/fs"
)

//go:generate npm ci
//go:generate npm run build

//go:embed all:dist
var files embed.FS

// Dist returns the built files: the pages (html/template, filled by the server) and assets/, whose names carry the
// hash of their content.
func Dist() fs.FS {
	dist, err := fs.Sub(files, "dist")
	if err != nil {
		panic("frontend: " + err.Error()) // only for an invalid path
	}
	return dist
}
