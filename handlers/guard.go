package handlers

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"runtime/debug"
	"time"

	"aihub/hub"
)

// guard is round every public request: safe headers, a bounded body and time, and a panic that ends one request only.
// It logs neither queries nor bodies.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if s.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
			ref := newRef()
			s.log.Error("panic in a request", "ref", ref, "method", r.Method, "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
			p := problemOf(hub.E("internal"))
			p.Ref = ref
			sendProblem(w, p)
		}()
		started := time.Now()
		next.ServeHTTP(w, r)
		if took := time.Since(started); took > 2*time.Second && r.URL.Path != "/ws" && r.URL.Path != "/v1/chat/completions" {
			s.log.Warn("slow request", "method", r.Method, "path", r.URL.Path, "ms", took.Milliseconds())
		}
	})
}

// newRef names a failure in the log for the person who reports it.
func newRef() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
