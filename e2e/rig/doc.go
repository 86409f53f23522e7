// Package rig holds what the black-box tests are made of. It knows the program only from outside: its environment, its
// signals, its output, the public protocol (docs/protocol.md) and the documents in the database.
//
//   - [Binary] builds the program, [Start] runs an [Instance] of it.
//   - [API] speaks REST. [Conn] is one WebSocket connection, [Device] a client that reconnects and resumes, [View] what a
//     client knows of one conversation: it follows the protocol's client rule and notes every breach of its promises.
//   - [Proxy] stands on a connection and cuts or stalls it. [NATS] is a bus that can be stopped and started.
//     [Database] reads what was stored, in MongoDB or the embedded engine.
//   - [World] puts them together: some instances, the scripted model server, the bus and the database.
package rig
