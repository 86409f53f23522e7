// Package handlers is the HTTP edge: it authenticates, translates in and out, and decides nothing else.
//
// routes.go has every route, one line each. A route of the REST interface that needs a person is registered through
// [private], which hands the handler a [hub.Principal]; its Tenant is the only way to data, so a route that forgot the
// tenant could not read anything. ws.go upgrades a connection and gives it to the hub; pages.go serves the portal.
//
// Every error leaves as RFC 9457 problem+json with a code of the protocol (problem.go). An id of another tenant is
// answered with the bytes of an unknown id.
package handlers
