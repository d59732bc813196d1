// Package journal is the crash-safe log behind the Journaled mode.
//
// A [Journal] keeps records, opaque bytes with a few facts, in a directory on a local disk, from the moment that
// [Journal.Append] returns nil until [Journal.Done]. What is not done when the process dies is given out again by
// [Journal.Next]: to the next process that opens the directory, or to a neighbour that has it open.
//
// A web host opens one, gives it to client.Options.Journal, and closes it after the client; docs/guides/durability.md tells
// when that is worth it. What the client does with it is this:
//
//	j, err := journal.Open(dir, nil)
//	…
//	ref, err := j.Append(ctx, journal.Record{Body: body}) // nil: on the disk
//	…                                                     // deliver it
//	err = j.Done(ref)
//
// # What is promised
//
//   - With [SyncAlways] a record whose Append returned nil survives the death of the process and the loss of power, as far
//     as the disk keeps what it has acknowledged. With [SyncInterval] it survives the death of the process; a loss of power
//     costs what was appended in the last [Options].Interval.
//   - A record is given out at least once: marks of Done are written but not synced, so that after a loss of power a record
//     that was done may come back. Inside the life of one process no record is given out twice.
//   - A record that comes back is, byte for byte, one that was appended: each has a length, its place and a CRC-32C, and the
//     sum is salted with a number of its own for each file, so that what lies in a file from an earlier use is never taken
//     for a record. What is torn or corrupt is stepped over, every intact record behind it is found, and the bytes are kept
//     aside for a person.
//   - A record whose Append returned an error other than the context's is not given out later, unless the disk refused even
//     the mark that says so, or lost it with the power.
//   - A full disk, or [Options].MaxBytes, is [ErrFull] before anything is acknowledged. Marks of Done have their room from
//     the beginning: delivering works on a full disk.
//   - After a failed write or sync nothing in that file is trusted that was not on the disk before: the file is closed for
//     writing for ever, and the records in doubt are written into a new one before anyone is told nil.
//
// # The directory
//
// Each Journal has a subdirectory of its own under a lock (flock) that ends with its process, so any number of processes
// may open one directory. A subdirectory whose lock is free is an orphan. [Open] adopts the orphans that it finds, and looks
// again every [Options].AdoptEvery; one that is empty is removed. Of many orphans it takes as many as leave half of
// [Options].MaxBytes, 64 at most, and the next when those are given out. The directory must be on a local disk that outlives the
// process: on the ephemeral disk of a container, or on a network file system without flock, a journal is worthless.
//
// What could not be read, and what [Journal.Quarantine] put aside, lies in the subdirectory "quarantine" as lines of JSON.
// Nothing removes those but a person. [Inspect] shows the whole directory, also while processes work in it.
//
// The format of the files is in docs/adr/0006-journal-format.md. Files have the permissions 0600, directories 0700.
//
// Linux and other systems with flock (macOS, the BSDs) are supported; elsewhere [Open] returns [errors.ErrUnsupported].
package journal
