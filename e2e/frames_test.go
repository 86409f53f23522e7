package e2e

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"aihub/e2e/rig"
)

// badFrames are frames that must be refused with a code while the connection lives. id is what the answer must carry.
var badFrames = []struct{ name, frame, id, code string }{
	{"empty", ``, "", "bad_json"},
	{"cut", `{"t":"sub","id":1`, "", "bad_json"},
	{"array", `[]`, "", "bad_json"},
	{"null", `null`, "", "bad_json"},
	{"string", `"sub"`, "", "bad_json"},
	{"number", `7`, "", "bad_json"},
	{"second object", `{"t":"unsub","id":1,"conv":"c_1"} {}`, "", "bad_json"},
	{"second key", `{"t":"unsub","id":1,"conv":"c_1","conv":"c_2"}`, "", "bad_json"},
	{"deep", `{"t":` + strings.Repeat("[", 7000) + strings.Repeat("]", 7000) + `}`, "", ""},
	{"comment", `{"t":"sub"/**/}`, "", "bad_json"},
	{"no type", `{"id":"x"}`, `"x"`, "bad_type"},
	{"unknown type", `{"t":"nope","id":"x"}`, `"x"`, "bad_type"},
	{"type in capitals", `{"t":"SUB","id":"x","conv":"c_1"}`, `"x"`, "bad_type"},
	{"key in capitals", `{"t":"sub","id":"x","CONV":"c_1"}`, `"x"`, "bad_field"},
	{"unknown field", `{"t":"sub","id":"x","conv":"c_1","tenant_id":"beta"}`, `"x"`, "bad_field"},
	{"field of another command", `{"t":"sub","id":"x","conv":"c_1","text":"y"}`, `"x"`, "bad_field"},
	{"field missing", `{"t":"sub","id":"x"}`, `"x"`, "bad_field"},
	{"field null", `{"t":"sub","id":"x","conv":null}`, `"x"`, "bad_field"},
	{"wrong kind", `{"t":"sub","id":"x","conv":7}`, `"x"`, "bad_field"},
	{"operator", `{"t":"sub","id":"x","conv":{"$ne":""}}`, `"x"`, "bad_field"},
	{"seq a string", `{"t":"sub","id":"x","conv":"c_1","since":{"ep":"e","seq":"1"}}`, `"x"`, "bad_field"},
	{"seq a fraction", `{"t":"sub","id":"x","conv":"c_1","since":{"ep":"e","seq":1.5}}`, `"x"`, "bad_field"},
	{"seq too large", `{"t":"sub","id":"x","conv":"c_1","since":{"ep":"e","seq":9223372036854775808}}`, `"x"`, "bad_field"},
	{"unknown field inside", `{"t":"sub","id":"x","conv":"c_1","since":{"ep":"e","seq":1,"z":1}}`, `"x"`, "bad_field"},
	{"no id", `{"t":"unsub","conv":"c_1"}`, "", "bad_field"},
	{"id a fraction", `{"t":"unsub","id":1.5,"conv":"c_1"}`, "", "bad_field"},
	{"id an object", `{"t":"unsub","id":{},"conv":"c_1"}`, "", "bad_field"},
	{"id too long", `{"t":"unsub","id":"` + strings.Repeat("i", 65) + `","conv":"c_1"}`, "", "bad_field"},
	{"lone surrogate", `{"t":"send","id":"x","cid":"1","text":"\ud800"}`, "", "bad_utf8"},
	{"text empty", `{"t":"send","id":"x","cid":"1","text":"  "}`, `"x"`, "bad_field"},
	{"text with NUL", `{"t":"send","id":"x","cid":"1","text":"a\u0000b"}`, `"x"`, "bad_field"},
	{"cid empty", `{"t":"send","id":"x","cid":"","text":"a"}`, `"x"`, "bad_field"},
	{"cid too long", `{"t":"send","id":"x","cid":"` + strings.Repeat("c", 65) + `","text":"a"}`, `"x"`, "bad_field"},
	{"cid with a newline", `{"t":"send","id":"x","cid":"a\nb","text":"a"}`, `"x"`, "bad_field"},
	{"conv unknown", `{"t":"sub","id":"x","conv":"c_0"}`, `"x"`, "not_found"},
	{"conv a path", `{"t":"sub","id":"x","conv":"../../etc"}`, `"x"`, "not_found"},
	{"conv a wildcard", `{"t":"sub","id":"x","conv":"*"}`, `"x"`, "not_found"},
	{"a field of another command", `{"t":"unsub","id":"x","conv":"c_1","run":"r_0"}`, `"x"`, "bad_field"},
	{"run unknown", `{"t":"stop","id":"x","run":"r_0"}`, `"x"`, "not_found"},
}

func TestABadFrameGetsACodeAndTheSocketLives(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	ana := w.Person("alfa", "usuario", 0)
	for chunk := 0; chunk < len(badFrames); chunk += 8 { // ten bad frames in a minute would end a connection
		pushes := make(chan rig.Frame, 64)
		c, err := rig.Login(ctx, ana, func(f rig.Frame) { pushes <- f })
		if err != nil {
			t.Fatal(err)
		}
		<-pushes // hello
		for _, bad := range badFrames[chunk:min(chunk+8, len(badFrames))] {
			if bad.id != "" {
				c.Expect(bad.id)
			}
			if err := c.Write(ctx, []byte(bad.frame)); err != nil {
				t.Fatal(err)
			}
			select {
			case f := <-pushes:
				if f.T != "err" || (bad.code != "" && f.Code != bad.code) || (bad.id != "" && string(f.ID) != bad.id) || f.Message == "" {
					t.Errorf("%s: answered by %s, not by %s", bad.name, f.Raw, bad.code)
				}
				c.Expect(bad.id)
			case <-c.Done():
				code, _ := c.CloseCode(ctx)
				t.Fatalf("%s: the connection was closed with %d", bad.name, code)
			case <-ctx.Done():
				t.Fatalf("%s: no answer", bad.name)
			}
		}
		f, err := c.Do(ctx, rig.Cmd{"t": "unsub", "conv": "c_1"})
		if err != nil || f.T != "ok" {
			t.Errorf("a good frame afterwards: %s %v", f.Raw, err)
		}
		c.Close()
	}
	if n := len(w.DB.Messages(t)); n != 0 {
		t.Errorf("bad frames stored %d messages", n)
	}
}

func TestTooManyBadFramesEndTheConnection(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	c, err := rig.Login(ctx, w.Person("alfa", "usuario", 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		_ = c.Write(ctx, []byte(`{`))
	}
	if code, err := c.CloseCode(ctx); code != 4400 {
		t.Errorf("closed with %d %v, not 4400", code, err)
	}
}

func TestAFloodIsSlowedDownAndThenEnded(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	limited := 0
	c, err := rig.Login(ctx, w.Person("alfa", "usuario", 0), func(f rig.Frame) {
		if f.Code == "rate_limited" && f.RetryMS > 0 {
			limited++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 400 {
		c.Expect(fmt.Sprint(1000 + i))
		if c.Send(ctx, rig.Cmd{"t": "unsub", "id": 1000 + i, "conv": "c_1"}) != nil {
			break
		}
	}
	if code, err := c.CloseCode(ctx); code != 4029 {
		t.Errorf("closed with %d %v, not 4029", code, err)
	}
	if limited == 0 {
		t.Error("no frame was answered by rate_limited")
	}
}

func TestWhoDoesNotAuthenticateIsShutOut(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	token, err := w.Person("alfa", "usuario", 0).Token(ctx)
	if err != nil {
		t.Fatal(err)
	}
	forged := token[:len(token)-6] + "AAAAAA"
	for name, first := range map[string]string{
		"silence":        "",
		"another frame":  `{"t":"sub","id":1,"conv":"c_1"}`,
		"an empty token": `{"t":"auth","id":1,"token":""}`,
		"nonsense":       `{"t":"auth","id":1,"token":"nonsense"}`,
		"a forged token": `{"t":"auth","id":1,"token":"` + forged + `"}`,
		"no algorithm":   `{"t":"auth","id":1,"token":"` + unsigned(token) + `"}`,
		"bad JSON":       `{`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := rig.Dial(ctx, w.Base(0), nil)
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			c.Expect("1")
			if first != "" {
				if err := c.Write(ctx, []byte(first)); err != nil {
					t.Fatal(err)
				}
			}
			code, err := c.CloseCode(ctx)
			if took := time.Since(begun); code != 4401 || took > 20*time.Second {
				t.Errorf("closed with %d after %v: %v", code, took, err)
			}
		})
	}
}

// unsigned is the token with the algorithm "none" and no signature.
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "."
}

func TestWhatIsNotUTF8OrTooBigOrBinaryEndsTheConnection(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	ana := w.Person("alfa", "usuario", 0)
	for name, c := range map[string]struct {
		frame []byte
		code  int
	}{
		"invalid UTF-8": {[]byte("{\"t\":\"send\",\"id\":1,\"cid\":\"1\",\"text\":\"a\xff\"}"), 1007},
		"17 KiB":        {[]byte(`{"t":"send","id":1,"cid":"1","text":"` + strings.Repeat("x", 17<<10) + `"}`), 1009},
	} {
		conn, err := rig.Login(ctx, ana, nil)
		if err != nil {
			t.Fatal(err)
		}
		conn.Expect("1")
		_ = conn.Write(ctx, c.frame)
		if code, err := conn.CloseCode(ctx); code != c.code {
			t.Errorf("%s: closed with %d %v, not %d", name, code, err, c.code)
		}
	}
	if n := len(w.DB.Messages(t)); n != 0 {
		t.Errorf("%d messages were stored", n)
	}
}

func TestTheHandshakeIsStrict(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	good := map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": base64.StdEncoding.EncodeToString(make([]byte, 16)), "Sec-WebSocket-Protocol": "aihub.v1"}
	with := func(name, value string) map[string]string {
		h := map[string]string{}
		for k, v := range good {
			h[k] = v
		}
		if h[name] = value; value == "" {
			delete(h, name)
		}
		return h
	}
	for name, c := range map[string]struct {
		method, query string
		header        map[string]string
	}{
		"POST":                  {method: "POST", header: good},
		"no upgrade":            {method: "GET", header: with("Upgrade", "")},
		"no key":                {method: "GET", header: with("Sec-WebSocket-Key", "")},
		"old version":           {method: "GET", header: with("Sec-WebSocket-Version", "8")},
		"a token in the URL":    {method: "GET", query: "?token=abc", header: good},
		"an access_token there": {method: "GET", query: "?access_token=abc", header: good},
	} {
		res, err := rig.Call(ctx, c.method, w.Base(0)+"/ws"+c.query, c.header, nil)
		if err != nil || res.Status < 400 || res.Status >= 500 {
			t.Errorf("%s: %d %s %v", name, res.Status, res.Body, err)
		}
	}
	for _, origin := range []string{"https://evil.example", "null", "http://127.0.0.1.evil.example", "https://hub.example.com.evil.example"} {
		ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.Base(0), "http")+"/ws",
			&websocket.DialOptions{Subprotocols: []string{"aihub.v1"}, HTTPHeader: http.Header{"Origin": {origin}}})
		if err != nil {
			continue // refused before the upgrade is as good
		}
		_, _, err = ws.Read(ctx)
		if code := websocket.CloseStatus(err); code != 4404 {
			t.Errorf("a page of %s: closed with %d, not 4404", origin, code)
		}
	}
	// Compression is offered and not taken: a window per connection costs more memory than the connection.
	ws, res, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.Base(0), "http")+"/ws",
		&websocket.DialOptions{Subprotocols: []string{"aihub.v1"}, CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if ext := res.Header.Get("Sec-WebSocket-Extensions"); ext != "" {
		t.Errorf("the extension %q was negotiated", ext)
	}
	// A client that does not speak the protocol is refused or gets none.
	ws2, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.Base(0), "http")+"/ws", &websocket.DialOptions{Subprotocols: []string{"other"}})
	if err == nil {
		if ws2.Subprotocol() != "" {
			t.Errorf("the subprotocol is %q", ws2.Subprotocol())
		}
		_ = ws2.CloseNow()
	}
}

// While the database is away nobody knows a widget's key: its socket is told to come again, not that it may never.
func TestAWidgetComesAgainWhenTheDatabaseWasAway(t *testing.T) {
	w := rig.New(t, rig.Setup{External: true})
	ctx := w.Context(patience)
	const site = "https://www.alfa.example"
	key := admin(t, ctx, w, "/widget-keys", object{"name": "Site", "origins": []string{site}})
	knock := func() int { // the close code of who then says what is no frame
		ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.Base(0), "http")+"/ws?k="+key,
			&websocket.DialOptions{Subprotocols: []string{"aihub.v1"}, HTTPHeader: http.Header{"Origin": {site}}})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		_ = ws.Write(ctx, websocket.MessageBinary, nil)
		_, _, err = ws.Read(ctx)
		return int(websocket.CloseStatus(err))
	}
	if code := knock(); code != int(websocket.StatusUnsupportedData) {
		t.Errorf("with a key that is good the end is %d", code)
	}
	w.DataLines[0].Down()
	if code := knock(); code != int(websocket.StatusInternalError) {
		t.Errorf("while the database is away the end is %d", code)
	}
	w.DataLines[0].Up()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		code := knock()
		if code == int(websocket.StatusUnsupportedData) {
			return
		}
		if code != int(websocket.StatusInternalError) || time.Since(begun) > 30*time.Second {
			t.Fatalf("with the database back the end is %d", code)
		}
	}
}

// rawSocket is an authenticated connection on which the test writes the bytes of frames itself.
func rawSocket(t *testing.T, ctx context.Context, w *rig.World) (net.Conn, *bufio.Reader) {
	t.Helper()
	token, err := w.Person("alfa", "usuario", 0).Token(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(w.Base(0), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	var key [16]byte
	_, _ = rand.Read(key[:])
	fmt.Fprintf(c, "GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: aihub.v1\r\nSec-WebSocket-Key: %s\r\n\r\n",
		c.RemoteAddr(), base64.StdEncoding.EncodeToString(key[:]))
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v %v", res, err)
	}
	if _, err := c.Write(wsFrame(1, true, []byte(`{"t":"auth","id":1,"token":"`+token+`"}`))); err != nil {
		t.Fatal(err)
	}
	if op, payload := readFrame(t, r); op != 1 || !strings.Contains(string(payload), `"hello"`) {
		t.Fatalf("auth was answered by %q", payload)
	}
	return c, r
}

// wsFrame is a client's frame with a mask of zeros.
func wsFrame(op byte, fin bool, payload []byte) []byte {
	b := []byte{op}
	if fin {
		b[0] |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// readFrame reads one frame of the server; op 8 is a close, -1 the end of the connection.
func readFrame(t *testing.T, r *bufio.Reader) (op int, payload []byte) {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return -1, nil
	}
	n := int(head[1] & 0x7f)
	switch n {
	case 126:
		var b [2]byte
		_, _ = io.ReadFull(r, b[:])
		n = int(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		_, _ = io.ReadFull(r, b[:])
		n = int(binary.BigEndian.Uint64(b[:]))
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return -1, nil
	}
	return int(head[0] & 15), payload
}

func TestHostileFramingEndsTheConnectionSoon(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	for name, write := range map[string]func(net.Conn){
		"a length of 2^63-1": func(c net.Conn) {
			_, _ = c.Write(append(binary.BigEndian.AppendUint64([]byte{0x81, 0xff}, 1<<63-1), 0, 0, 0, 0))
		},
		"endless empty fragments": func(c net.Conn) {
			_, _ = c.Write(wsFrame(1, false, nil))
			for range 40_000 {
				if _, err := c.Write(wsFrame(0, false, nil)); err != nil {
					return
				}
			}
		},
		"a byte a second": func(c net.Conn) {
			_, _ = c.Write([]byte{0x81, 0x80 | 100, 0, 0, 0, 0})
			for range 60 {
				time.Sleep(time.Second)
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
			}
		},
		"a frame without a mask": func(c net.Conn) { _, _ = c.Write([]byte{0x81, 2, '{', '}'}) },
		"a reserved bit":         func(c net.Conn) { _, _ = c.Write([]byte{0xc1, 0x80, 0, 0, 0, 0}) },
		"an unknown opcode":      func(c net.Conn) { _, _ = c.Write([]byte{0x83, 0x80, 0, 0, 0, 0}) },
		"a binary frame":         func(c net.Conn) { _, _ = c.Write(wsFrame(2, true, []byte("x"))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, r := rawSocket(t, ctx, w)
			begun := time.Now()
			go write(c)
			for {
				op, _ := readFrame(t, r)
				if took := time.Since(begun); took > 25*time.Second {
					t.Fatalf("the connection lives on after %v", took)
				}
				if op == 8 || op == -1 {
					return
				}
			}
		})
	}
	t.Cleanup(func() { // the others live
		if _, err := rig.Login(context.Background(), w.Person("alfa", "usuario", 0), nil); err != nil {
			t.Error(err)
		}
	})
}
