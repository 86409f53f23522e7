# make test is the whole of it: on a new machine it installs what it needs (Debian, as root, for the browser and the
# database server) and then runs every check. The other targets are its parts.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: run build test check go-test model-test frontend-test snippet-test browser-test dist bench soak planted measure images

run:
	go run .

build:
	CGO_ENABLED=0 go build -trimpath -o bin/aihub .

test: check frontend-test go-test model-test snippet-test browser-test

# Form: formatting, vet, staticcheck, known vulnerabilities, a tidy go.mod.
check:
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); test -z "$$unformatted" || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	go mod tidy -diff
	go vet ./...
	go run $(STATICCHECK) ./...
	.ci/vulnerabilities $(GOVULNCHECK)

# Every Go test with the race detector, on both database engines; e2e starts the built program.
go-test:
	TEST_MONGODB_URI=$$(e2e/mongodb/server up) && export TEST_MONGODB_URI && go test -race -timeout 20m ./...

# Package llm against a real llama.cpp server and a mock server of other people.
model-test:
	e2e/llm/run

# Lint, types and unit tests of the front end, the proof that its types are those of the REST interface, and the proof that the committed frontend/dist is what its source builds.
frontend-test:
	cd frontend/codegen && npm ci --no-audit --no-fund && npm run check
	cd frontend && npm ci --no-audit --no-fund && npm run check && npm test && npm run build
	@test -z "$$(git status --porcelain -- frontend/dist)" || { git status --short -- frontend/dist; echo "frontend/dist is not what its source builds: run make dist and commit it"; exit 1; }

# Faults for an hour, and the long figures of the tests beside it (cuts, kills, restarts, copies, takeovers). The seed that it prints
# repeats it: make soak SOAK=10m SEED=7.
SOAK = 1h
SEED = 0
soak:
	TEST_MONGODB_URI=$$(e2e/mongodb/server up) && export TEST_MONGODB_URI && \
		go test ./e2e -v -timeout 24h -run 'Storm|Cuts|Killed|RollingRestart|Copies|TakeoversInMid|EachStep|Cluster|WrongClocks|AFullDisk|InstanceThatStops' -soak $(SOAK) -seed $(SEED)

# Breaks the program on purpose, one promise after the other; the harness must find each (e2e/planted lists them).
planted:
	TEST_MONGODB_URI=$$(e2e/mongodb/server up) && export TEST_MONGODB_URI && \
		go test -tags planted ./e2e/planted -v -timeout 3h

# The program under load, beside references that do less (e2e/load says which); JSON lines, then medians and ratios.
MEASURE = all
REPS = 3
measure:
	go test ./e2e/load -v -timeout 3h -measure $(MEASURE) -reps $(REPS)

# Every snippet of the page for webmasters, in its own language.
snippet-test:
	e2e/snippets/run

# The built program in Chromium.
browser-test:
	e2e/browser/run

dist:
	cd frontend && npm ci --no-audit --no-fund && npm run build

# The pictures in docs/images, from the built program.
images:
	e2e/browser/images

bench:
	go test -run '^$$' -bench . -benchmem ./...
