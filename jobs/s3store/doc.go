// Package s3store is a jobs.Store on an Amazon S3 bucket.
//
// An object that fits one part is one PutObject; a larger one is a multipart upload, a part at a time, of which nothing
// is seen before its end. Either way readers find the old object or the whole new one (Amazon S3 User Guide, "Amazon S3
// data consistency model"). In a bucket with versions the old object stays as a version.
//
// A request whose answer is lost is sent again by the SDK with the same bytes, which changes nothing. Only the end of a
// multipart upload cannot be repeated: when the answer to that is lost, Put may return an error although the object is
// there, as jobs.Store allows. The task then runs again and writes the same object.
//
// What a killed process leaves of an unfinished upload is charged and invisible: let a lifecycle rule of the bucket end
// it (AbortIncompleteMultipartUpload), as template.yaml does.
//
// The role needs s3:PutObject and s3:AbortMultipartUpload on the keys, and with a key of one's own in AWS KMS
// kms:GenerateDataKey and kms:Decrypt (Amazon S3 User Guide, "Multipart upload API and permissions").
package s3store
