package handlers

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// files are the front end's built files, compressed once.
type files struct{ all map[string]file }

type file struct {
	kind        string
	plain, gzip []byte // gzip is nil where it saves nothing
	etag        string
}

func loadFiles(dist fs.FS) (*files, error) {
	f := &files{all: map[string]file{}}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		f.all[name], err = prepare(name, data)
		return err
	})
	return f, err
}

func prepare(name string, data []byte) (file, error) {
	sum := sha256.Sum256(data)
	f := file{plain: data, kind: mime.TypeByExtension(path.Ext(name)), etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	switch path.Ext(name) {
	case ".woff2":
		f.kind = "font/woff2"
	case ".webmanifest":
		f.kind = "application/manifest+json"
	case "":
		f.kind = "application/octet-stream"
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return f, err
	}
	if _, err := z.Write(data); err != nil {
		return f, err
	}
	if err := z.Close(); err != nil {
		return f, err
	}
	if b.Len() < len(data)*9/10 {
		f.gzip = b.Bytes()
	}
	return f, nil
}

// asset serves a built file; their names carry their contents' hash, so they never change.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	f, ok := s.files.all[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok {
		notFoundPage(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	f.serve(w, r)
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.etag)
	h.Add("Vary", "Accept-Encoding")
	body := f.plain
	if f.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", strings.TrimSuffix(f.etag, `"`)+`-gz"`)
		body = f.gzip
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
