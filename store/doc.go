// Package store remembers, one tenant at a time.
//
// A [Store] gives out [Tenant] handles; every method that reads or writes a tenant's data is on that handle, which can
// name no other tenant. The exceptions are few and each has a file: directory.go finds tenants, global.go writes the
// rows that belong to no tenant. The engines live in store/internal, so the compiler keeps everyone else away from them.
//
// Domain code is written once over a small contract (store/internal/doc): insert if absent, find, one conditional
// atomic update. Every limit, lease and claim is one such update. Field names in the database are the domain's own,
// Portuguese; ids are UUIDv7 with a type prefix, made by whoever may have to retry.
//
// Rows that people manage carry a revision (rows.go): who changes one says which revision they have seen. Quotas are one
// document per payer (quota.go, which also says why a crash between two scopes is harmless). What a run cost is counted
// once in its day (daily.go). The audit ledger is a chain of hashes (audit.go). Old databases are brought up to date at
// start (migrations.go), by one of the instances that start. Documents of another shape are left out and logged (doc.Coll).
//
// One goroutine may be run per store, [Store.Keep], by whoever opened it; it ends with its context. The SQLite engine has one
// of its own, which copies the log into the file, until [Store.Close].
//
// All methods are safe for concurrent use and end with their context, or after five seconds; those that go through many
// rows, such as exports and copies, give each step five seconds.
package store
