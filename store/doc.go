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
// All methods are safe for concurrent use and end with their context, or after five seconds.
package store
