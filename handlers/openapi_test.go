package handlers

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the description of the REST interface")

// description is where the front end's types come from.
const description = "../frontend/codegen/openapi.json"

// The committed description is the one that the program serves, so that whoever changes the interface changes it too.
// To renew it: go test ./handlers -run Description -update, then npm run generate in frontend/codegen.
func TestTheCommittedDescriptionIsWhatIsServed(t *testing.T) {
	s := newSite(t)
	var served bytes.Buffer
	must(t, json.Indent(&served, []byte(s.do("", "GET", "/api/v1/openapi.json", nil).body), "", " "))
	served.WriteByte('\n')
	if *update {
		must(t, os.WriteFile(description, served.Bytes(), 0o644))
		return
	}
	committed, err := os.ReadFile(description)
	must(t, err)
	if !bytes.Equal(committed, served.Bytes()) {
		t.Error("frontend/codegen/openapi.json is not what the program serves; see this test's comment")
	}
}
