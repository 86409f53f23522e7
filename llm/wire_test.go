package llm

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const hello = "data: {\"choices\":[{\"delta\":{\"content\":\"Olá\"}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

// server answers with h; close is the test's.
func server(t *testing.T, h http.HandlerFunc) Target {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Target{ID: s.URL, Provider: OpenAI, BaseURL: s.URL + "/v1", APIKey: "sk-0123456789", Model: "m-1", Private: true}
}

func TestOverTLSAndHTTP2(t *testing.T) {
	var proto atomic.Value
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto.Store(r.Proto)
		_, _ = io.WriteString(w, hello[:40])
		w.(http.Flusher).Flush()
		if r.URL.Path == "/cut/chat/completions" {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, hello[40:])
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of the certificate nobody knows
	s.StartTLS()
	defer s.Close()
	c := New(Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	defer c.Close()
	target := Target{ID: "a", Provider: OpenAI, BaseURL: s.URL, Model: "m-1"}
	if o := collect(t.Context(), c, []Target{target}, "Oi"); code(o.err) != CodeUnavailable || !strings.Contains(o.err.Error(), "certificate") {
		t.Fatalf("a certificate nobody knows: %+v", o)
	}
	trust := func(target Target) {
		cfg, err := c.config(target)
		if err != nil {
			t.Fatal(err)
		}
		cfg.wire.transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		cfg.wire.transport.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	}
	target.ID = "b"
	trust(target)
	if o := collect(t.Context(), c, []Target{target}, "Oi"); o.err != nil || o.text != "Olá" || proto.Load() != "HTTP/2.0" {
		t.Fatalf("%+v over %v", o, proto.Load())
	}
	target.BaseURL += "/cut"
	trust(target)
	if o := collect(t.Context(), c, []Target{target}, "Oi"); code(o.err) != CodeTruncated {
		t.Fatalf("a stream that HTTP/2 resets: %+v", o)
	}
}

// A tenant's configuration reaches public addresses only, whatever their names look like.
func TestTenantsReachNoInnerAddress(t *testing.T) {
	var reached atomic.Int64
	for _, network := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", network)
		if err != nil {
			t.Logf("no listener on %s: %v", network, err)
			continue
		}
		defer l.Close()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				reached.Add(1)
				conn.Close()
			}
		}()
		port := l.Addr().(*net.TCPAddr).Port
		c := New(Options{Bounds: Bounds{Retries: -1, Connect: time.Second}})
		defer c.Close()
		for _, host := range []string{"localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0", "0.0.0.0",
			"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::1%25lo]", "①②⑦.⓪.⓪.①", "ip6-localhost", "localhost.localdomain"} {
			for _, provider := range []string{OpenAI, Gemini, GeminiOld} {
				for _, scheme := range []string{"https", "http", "HTTPS"} {
					base := fmt.Sprintf("%s://%s:%d", scheme, host, port)
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					o := collect(ctx, c, []Target{{ID: base, Provider: provider, BaseURL: base, APIKey: "sk-0123456789", Model: "m"}}, "Oi")
					cancel()
					if got := code(o.err); got != CodeConfig && got != CodeUnavailable && got != CodeTimeout {
						t.Errorf("%s: %+v", base, o)
					}
				}
			}
		}
	}
	if n := reached.Load(); n != 0 {
		t.Fatalf("%d connections to inner addresses", n)
	}
}

func TestAddresses(t *testing.T) {
	inner := `0.0.0.0 0.255.1.1 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170
		192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
		:: ::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::7f00:1 64:ff9b::a00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:10::1 2001:20::1 2001:db8::1
		2002:7f00:1:: 2002:808:808:: 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 febf::1 fec0::1 ff02::1 ff0e::1 4000::1 1::1`
	outer := "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 198.17.255.255 198.20.0.0 223.255.255.255 ::ffff:8.8.8.8 2606:4700::1111 2a00:1450:4001::1 2800:3f0::1 2001:4860:4860::8888"
	for want, list := range map[bool]string{false: inner, true: outer} {
		for _, ip := range strings.Fields(list) {
			if got := (guard{}).allows(netip.MustParseAddr(ip)); got != want {
				t.Errorf("%s allowed: %v", ip, got)
			}
		}
	}
	g := guard{plain: true, allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	if !g.allows(netip.MustParseAddr("10.1.2.3")) || g.allows(netip.MustParseAddr("10.2.2.3")) || g.allows(netip.MustParseAddr("8.8.8.8")) {
		t.Error("plain HTTP is for the operator's list alone")
	}
	if e := CheckURL("http://user:pw@example.com/", false, nil); e == nil {
		t.Error("a URL with a password is accepted")
	}
	for _, base := range []string{"", "example.com", "ftp://example.com", "https://", "https://:443", "file:///etc/passwd", "https:example.com", "https://u@example.com", "https://example.com/?key=1", "https://example.com/#a",
		"http://example.com", "gopher://example.com", "https://10.0.0.1/v1", "javascript:alert(1)", "https://[fe80::1%25eth0]/", "//example.com", "https://exa mple.com"} {
		if CheckURL(base, false, nil) == nil {
			t.Errorf("%q is accepted", base)
		}
	}
	for _, base := range []string{"https://api.openai.com/v1", "https://x.openai.azure.com?api-version=2024-10-21", "https://example.com:8443/a/b/"} {
		if e := CheckURL(base, false, nil); e != nil {
			t.Errorf("%q: %v", base, e)
		}
	}
}

// Upstreams refuse parameters; the request is made again without them, and they are not sent again.
func TestRefusedParametersAreLeftOut(t *testing.T) {
	var mu sync.Mutex
	var bodies []string
	target := server(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		bodies = append(bodies, string(raw))
		mu.Unlock()
		for param, refusal := range map[string]string{"stream_options": `{"error":{"message":"Unrecognized request argument supplied: stream_options"}}`,
			`"temperature"`: `{"error":{"message":"Unsupported value","param":"temperature","code":"unsupported_value"}}`} {
			if strings.Contains(string(raw), param) {
				w.WriteHeader(400)
				_, _ = io.WriteString(w, refusal)
				return
			}
		}
		_, _ = io.WriteString(w, hello)
	})
	zero := 0.0
	target.Temperature = &zero
	c := New(Options{})
	defer c.Close()
	for range 2 {
		if o := collect(t.Context(), c, []Target{target}, "Oi"); o.text != "Olá" || o.err != nil {
			t.Fatalf("%+v", o)
		}
	}
	if len(bodies) != 4 {
		t.Fatalf("%d requests: %s", len(bodies), bodies)
	}
	if !strings.Contains(bodies[0], `"temperature":1e-45`) {
		t.Errorf("a temperature of zero is not sent: %s", bodies[0])
	}
}

// Requests that find out at the same time get their answers all the same.
func TestManyLearnOfARefusedParameterAtOnce(t *testing.T) {
	var met sync.WaitGroup
	met.Add(8)
	target := server(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if strings.Contains(string(raw), "stream_options") {
			met.Done()
			met.Wait()
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"error":{"message":"unknown field stream_options"}}`)
			return
		}
		_, _ = io.WriteString(w, hello)
	})
	c := New(Options{Bounds: Bounds{Retries: -1}})
	defer c.Close()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if o := collect(t.Context(), c, []Target{target}, "Oi"); o.text != "Olá" {
				t.Errorf("%+v", o)
			}
		})
	}
	all.Wait()
}

// The libraries of Google read the environment for what they are not told.
func TestTheEnvironmentChangesNothing(t *testing.T) {
	var paths []string
	target := server(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path+" "+r.Header.Get("X-Goog-Api-Key")+r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `data: {"candidates":[{"content":{"parts":[{"text":"Olá"}]},"finishReason":"STOP"}]}`+"\n\n")
	})
	for name, value := range map[string]string{"GOOGLE_GENAI_USE_VERTEXAI": "true", "GOOGLE_GENAI_USE_ENTERPRISE": "true", "GOOGLE_API_KEY": "AIza-other", "GOOGLE_CLOUD_PROJECT": "other",
		"GOOGLE_CLOUD_LOCATION": "other", "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:1", "GOOGLE_VERTEX_BASE_URL": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1",
		"OPENAI_API_KEY": "sk-other", "OPENAI_BASE_URL": "http://127.0.0.1:1", "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere"} {
		t.Setenv(name, value)
	}
	c := New(Options{})
	defer c.Close()
	for _, provider := range []string{Gemini, GeminiOld} {
		target.Provider = provider
		if o := collect(t.Context(), c, []Target{target}, "Oi"); o.text != "Olá" || o.err != nil {
			t.Errorf("%s: %+v", provider, o)
		}
	}
	for _, p := range paths {
		if p != "/v1/v1beta/models/m-1:streamGenerateContent sk-0123456789" {
			t.Error(p)
		}
	}
}

func TestTokensAreCountedByMany(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if n := CountTokens("Olá, tudo bem com você hoje?"); n < 5 || n > 12 {
					t.Errorf("%d tokens", n)
				}
			}
		})
	}
	all.Wait()
	start := time.Now()
	if n := CountTokens(strings.Repeat("a", 200_000)); n < 10_000 || time.Since(start) > 10*time.Second {
		t.Errorf("%d tokens in %s", n, time.Since(start))
	}
}

func TestTheRequest(t *testing.T) {
	for name, c := range map[string]struct {
		change      func(*Target)
		path, query string
		header      string
		body        []string
	}{
		"OpenAI":           {func(t *Target) {}, "/v1/chat/completions", "", "Authorization: Bearer sk-0123456789", []string{`"model":"m-1"`, `"stream":true`, `"include_usage":true`, `"role":"system"`, `"max_tokens":50`}},
		"a thinking model": {func(t *Target) { t.Model = "o3-mini"; f := 0.5; t.Temperature = &f }, "/v1/chat/completions", "", "", []string{`"max_completion_tokens":50`}},
		"Azure": {func(t *Target) {
			t.BaseURL = strings.TrimSuffix(t.BaseURL, "/v1") + "?api-version=2024-12-01"
			t.Model = "gpt-4.1"
		},
			"/openai/deployments/gpt-4.1/chat/completions", "api-version=2024-12-01", "Api-Key: sk-0123456789", nil},
		"Gemini": {func(t *Target) { t.Provider, t.Model = Gemini, "gemini-2.5-flash" }, "/v1/v1beta/models/gemini-2.5-flash:streamGenerateContent", "alt=sse", "X-Goog-Api-Key: sk-0123456789",
			[]string{`"systemInstruction"`, `"includeThoughts":true`, `"maxOutputTokens":50`, `"role":"user"`}},
		"Gemini's old library": {func(t *Target) { t.Provider, t.Model = GeminiOld, "gemini-1.5-pro" }, "/v1/v1beta/models/gemini-1.5-pro:streamGenerateContent", "alt=sse", "X-Goog-Api-Key: sk-0123456789",
			[]string{`"systemInstruction"`, `"maxOutputTokens":50`}},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var body string
			target := server(t, func(w http.ResponseWriter, r *http.Request) {
				raw, _ := io.ReadAll(r.Body)
				got, body = r, string(raw)
				w.WriteHeader(404)
			})
			c.change(&target)
			client := New(Options{})
			defer client.Close()
			r := Request{MaxTokens: 50, Messages: []Message{{"system", "Seja breve."}, {"user", "Oi"}, {"assistant", "Olá"}, {"user", "Preço?"}}}
			for _, err := range client.Stream(t.Context(), []Target{target}, r) {
				if code(err) != CodeConfig {
					t.Fatal(err)
				}
			}
			var header bytes.Buffer
			_ = got.Header.Write(&header)
			if got.URL.Path != c.path || got.URL.RawQuery != c.query || !strings.Contains(header.String(), c.header) {
				t.Errorf("%s?%s\n%s", got.URL.Path, got.URL.RawQuery, header.String())
			}
			for _, part := range c.body {
				if !strings.Contains(strings.ReplaceAll(body, " ", ""), part) {
					t.Errorf("no %s in %s", part, body)
				}
			}
		})
	}
}

func TestNamesOfModelsCanNotLeaveTheirPath(t *testing.T) {
	for _, target := range []Target{
		{Provider: OpenAI, BaseURL: "https://x.openai.azure.com", Model: "../../evil?x=1#"}, {Provider: Gemini, APIKey: "k", Model: "../secret"}, {Provider: GeminiOld, APIKey: "k", Model: "a?b"},
		{Provider: Gemini, APIKey: "k", Model: "a:b"}, {Provider: OpenAI, Model: "a b"}, {Provider: OpenAI, Model: "a\nb"}, {Provider: OpenAI}, {Provider: Gemini, Model: "gemini-2.5-pro"}, {Provider: "other", Model: "m"},
		{Provider: OpenAI, Model: "m", APIKey: "two\nlines"}, {Provider: OpenAI, Model: strings.Repeat("m", 200)},
	} {
		if e := target.check(nil); e == nil || e.Code != CodeConfig {
			t.Errorf("%+v: %v", target, e)
		}
	}
}

// What an upstream writes never gets into a log line or an error, in no way of writing.
func TestNothingAnUpstreamWritesIsLogged(t *testing.T) {
	const key = "sk-planted-5e8a1b7c9d"
	var log bytes.Buffer
	c := New(Options{Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), Bounds: Bounds{Retries: -1}})
	defer c.Close()
	for i, answer := range []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(401)
			_, _ = fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s","code":"%s","param":"%s"}}`, key, key, key)
		},
		func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/?key="+key, http.StatusTemporaryRedirect)
		},
		func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "data: {\"error\":\""+key+"\"}\n\n")
		},
		func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "data: "+key+"\n\n") },
		func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"model":"`+key+`","choices":[{"finish_reason":"`+key+`","delta":{"content":"x"}}],"error":{"code":"`+key+`"}}`)
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", key)
			w.Header().Set("Retry-After", key)
			w.WriteHeader(200)
		},
	} {
		for _, provider := range []string{OpenAI, Gemini, GeminiOld} {
			target := server(t, answer)
			target.APIKey, target.Provider = key, provider
			o := collect(t.Context(), c, []Target{target}, "Oi")
			report := c.Test(t.Context(), target)
			all, _ := json.Marshal([]any{o.err, report, o.model, o.text})
			if o.err == nil || strings.Contains(string(all)+o.err.Error()+fmt.Sprintf("%+v", o.err), key) {
				t.Errorf("answer %d, %s: %s, %v", i, provider, all, o.err)
			}
		}
	}
	if log.Len() == 0 || strings.Contains(log.String(), key) {
		t.Errorf("log: %s", log.String())
	}
}

func TestTheVerdictOfATest(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = io.WriteString(w, body) }
	}
	c, hasty := New(Options{}), New(Options{Bounds: Bounds{FirstToken: 200 * time.Millisecond}})
	defer c.Close()
	defer hasty.Close()
	for want, h := range map[Verdict]http.HandlerFunc{
		OK: answer(200, hello), KeyRefused: answer(401, "{}"), NoBalance: answer(429, `{"error":{"code":"insufficient_quota"}}`), ModelUnknown: answer(404, `{"error":{"code":"model_not_found"}}`),
		Unreachable: answer(503, ""), RateLimited: answer(429, ""), NotCompatible: answer(200, "<html>"), Misconfigured: answer(400, "{}"),
		TooSlow: func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
	} {
		client := c
		if want == TooSlow {
			client = hasty
		}
		r := client.Test(t.Context(), server(t, h))
		if r.Verdict != want || (r.Reason == "") != (want == OK) || r.Latency <= 0 {
			t.Errorf("%+v, want %s", r, want)
		}
	}
	if r := c.Test(t.Context(), Target{Provider: OpenAI, BaseURL: "https://10.0.0.1", Model: "m"}); r.Verdict != AddressDenied {
		t.Errorf("%+v", r)
	}
	if r := c.Test(t.Context(), Target{Provider: OpenAI, BaseURL: "http://127.0.0.1:1", Model: "m", Private: true}); r.Verdict != Unreachable {
		t.Errorf("%+v", r)
	}
	if r := c.Test(t.Context(), Target{Provider: Rehearsal, Script: "say ok; wait 0s"}); r.Verdict != OK || r.Model != "ensaio" {
		t.Errorf("%+v", r)
	}
}

func TestTitles(t *testing.T) {
	for text, want := range map[string]string{"**\\\"Prazo de entrega\\\"**": "Prazo de entrega", "Título: Prazo de entrega.\\nMais": "Prazo de entrega", "": "Qual é o prazo?", strings.Repeat("a", 400): strings.Repeat("a", 60) + "…"} {
		target := server(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"`+text+`"},"finish_reason":"stop"}]}`)
		})
		c := New(Options{Bounds: Bounds{Retries: -1}})
		if title, _ := c.Title(t.Context(), []Target{target}, "Qual é o\nprazo?"); title != want {
			t.Errorf("%q: %q, want %q", text, title, want)
		}
		c.Close()
	}
}

// An endless line is refused at its bound; memory does not grow with what was sent.
func TestMemoryStaysFlat(t *testing.T) {
	for name, start := range map[string]string{"line": "data: ", "lines": "data: [\n", "body of an error": ""} {
		t.Run(name, func(t *testing.T) {
			target := server(t, func(w http.ResponseWriter, r *http.Request) {
				if start == "" {
					w.WriteHeader(500)
				}
				_, _ = io.WriteString(w, start)
				chunk := bytes.Repeat([]byte("x"), 1<<20)
				if strings.HasSuffix(start, "\n") {
					chunk = bytes.Repeat([]byte("data: 1,\n"), 1<<17)
				}
				for range 512 {
					if _, err := w.Write(chunk); err != nil {
						return
					}
				}
			})
			c := New(Options{Bounds: Bounds{Retries: -1}})
			defer c.Close()
			var before, now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var peak atomic.Uint64
			stop := make(chan struct{})
			var watching sync.WaitGroup
			watching.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(2 * time.Millisecond):
						runtime.ReadMemStats(&now)
						peak.Store(max(peak.Load(), now.HeapAlloc))
					}
				}
			})
			o := collect(t.Context(), c, []Target{target}, "Oi")
			close(stop)
			watching.Wait()
			if want := map[bool]string{true: CodeUnavailable, false: CodeBadStream}[start == ""]; code(o.err) != want {
				t.Errorf("%+v", o)
			}
			grown := int64(peak.Load()) - int64(before.HeapAlloc)
			t.Logf("%d KiB more heap", grown>>10)
			if grown > 32<<20 {
				t.Error("memory grows with what is sent")
			}
		})
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	target := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, hello) })
	dead := server(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	before := 0
	for i := range 60 {
		for _, provider := range []string{OpenAI, Gemini, GeminiOld} {
			c := New(Options{Bounds: Bounds{Retries: -1}})
			target.Provider, dead.Provider = provider, provider
			collect(t.Context(), c, []Target{target}, "Oi")
			collect(t.Context(), c, []Target{dead}, "Oi")
			c.Close()
		}
		if i == 9 {
			before = runtime.NumGoroutine()
		}
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before+10; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d after the first rounds", runtime.NumGoroutine(), before)
		}
	}
}
