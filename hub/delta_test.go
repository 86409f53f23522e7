package hub

import (
	"encoding/json"
	"reflect"
	"testing"
)

// Both ways of laying out and reading a delta are one.
func FuzzDelta(f *testing.F) {
	f.Add("c_1", "e1", "r_1", "Bom dia, \"x\" \\ \u2028 \x00 👩\u200d🚀", int64(3), int64(5), int64(0))
	f.Add("c_\"", "", "r", "", int64(0), int64(-1), int64(1<<40))
	f.Fuzz(func(t *testing.T, conv, ep, run, text string, from, seq, off int64) {
		e := Event{T: frameEvent, Conv: conv, Ep: ep, From: from, Seq: seq, K: kindDelta, Run: run, Off: &off, Text: text}
		var plainly, quickly Event
		if err := json.Unmarshal(encode(e), &plainly); err != nil {
			t.Fatal(err)
		}
		data := encodeEvent(e)
		if err := json.Unmarshal(data, &quickly); err != nil || !reflect.DeepEqual(plainly, quickly) {
			t.Fatalf("%s is read as %+v %v, not as %+v", data, quickly, err, plainly)
		}
		var read Event
		if readDelta(data, &read) && !reflect.DeepEqual(read, plainly) {
			t.Fatalf("%s is read by hand as %+v", data, read)
		}
		if ok := readDelta(data, &read); !ok && text != "" && from > 0 && seq >= 0 && off >= 0 && max(from, seq, off) < 1e17 && plain(conv+ep+run) {
			t.Fatalf("%s is not read by hand", data)
		}
	})
}

// What others may have written is read as the general way reads it, or by that way.
func FuzzReadDelta(f *testing.F) {
	f.Add([]byte(`{"t":"ev","conv":"c","ep":"e","from":1,"seq":2,"k":"delta","run":"r","off":0,"text":"a\u00e7"}`))
	f.Add([]byte(`{"t":"ev","conv":"c","ep":"e","from":1,"seq":2,"k":"delta","run":"r","off":0,"text":"a","off":7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var quickly, plainly Event
		if readDelta(data, &quickly) && (json.Unmarshal(data, &plainly) != nil || !reflect.DeepEqual(quickly, plainly)) {
			t.Fatalf("%q is read by hand as %+v, else as %+v", data, quickly, plainly)
		}
	})
}

func BenchmarkDelta(b *testing.B) {
	off := int64(1234)
	e := Event{T: frameEvent, Conv: "c_06h117kg9hq5n0s8ge7tkbsfok", Ep: "e7266c65f33f6", From: 33, Seq: 33, K: kindDelta, Run: "r_k16vn2ddrfck4bf8cut3uq7jmo",
		Off: &off, Text: "Bom dia! A sua fatura de novembro já está paga. "}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			encodeEvent(e)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for data := encodeEvent(e); b.Loop(); {
			if _, err := parseFrame(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
