// Package clienttest is a recorder and typed assertions for users' own tests.
//
// A test gives the code under test a real client whose transport is a [Recorder], and then asks what was fired:
//
//	c, rec := clienttest.New(t)
//	signUp(t.Context(), c, "a@example.com")
//	welcome, _ := clienttest.RequireFired(t, rec, Welcome)
//
// A program in the mode client.Buffered is tested with [NewWith]. The client is the real one: sizes, delays, encoding and retries are those of production.
package clienttest
