package storetest

import (
	"fmt"
	"strings"
)

// hostileKeys are more than 500 strings that are no keys of payloads, most of them nearly.
func hostileKeys() []string {
	digest := strings.Repeat("ab", 32)
	const ulid = "01KJ7Z3Q5ZABCDEFGHJKMNPQRS"
	keys := []string{
		"", "/", ".", "..", "/" + digest, ulid, ulid + "/", digest + "/", digest, strings.Repeat("a", 5000),
		ulid + "/" + digest + "/", "/" + ulid + "/" + digest, ulid + "//" + digest, ulid + "/" + strings.ToUpper(digest),
		ulid + "/" + digest[1:], ulid + "/" + digest + "0", ulid[1:] + "/" + digest, ulid + "0/" + digest, strings.ToLower(ulid) + "/" + digest,
		digest[1:] + "/" + digest, digest + "0/" + digest, "s3://bucket/" + ulid + "/" + digest, "https://example.com/" + digest,
		"arn:aws:s3:::bucket/" + digest, ulid + "\\" + digest, ulid + "/" + digest + "?versionId=1", ulid + "/" + digest + "#x",
	}
	ups := []string{
		"..", "../..", "../../etc", "%2e%2e", "%2E%2E", "..%2f..", "%2e%2e%2f", "..%5c", "..\\", "..\\..", "\u2025", "\uff0e\uff0e", "\u2024\u2024",
		"..;", ".. ", " ..", "..\x00", "..\u200b", "....", "...", "C:", "C:\\", "\\\\host\\share", "~", "~root", "$HOME", "`id`", "\n", "\r\n", "\t",
		"%00", "\x00", "%c0%ae%c0%ae", "..%c0%af", ".%2e", "%2e.", "0x2e0x2e", "file://", "//", "///", "./", "./.", ".partial", ".git", "con", "nul",
	}
	for _, up := range ups {
		keys = append(keys,
			up, up+"/"+digest, ulid+"/"+up, up+"/"+ulid+"/"+digest, ulid+"/"+up+"/"+digest, ulid+"/"+digest+"/"+up,
			ulid[:24]+up+"/"+digest, ulid+"/"+digest[:60]+up, "/"+up+"/"+digest, strings.Repeat(up+"/", 20)+digest, ulid+up+"/"+digest,
		)
	}
	for c := range 256 { // every byte in the place of one that is right
		if b := byte(c); (b < '0' || b > '9') && (b < 'a' || b > 'f') {
			keys = append(keys, fmt.Sprintf("%s/%s%c%s", ulid, digest[:10], b, digest[11:]))
		}
	}
	return keys
}
