package lambda

import (
	"net/http"
	"strconv"
)

// page cuts the part of all that a request asks for by Marker and MaxItems, at most most, and says where the next begins;
// "" at the end. A marker is the number of items before it.
func page[T any](r *http.Request, all []T, most int) (part []T, next string, err error) {
	start, length := 0, most
	if marker := r.URL.Query().Get("Marker"); marker != "" {
		if start, err = strconv.Atoi(marker); err != nil || start < 0 || start > len(all) {
			return nil, "", errInvalidParameter("Marker %q: is none that the emulator gave", marker)
		}
	}
	if items := r.URL.Query().Get("MaxItems"); items != "" {
		n, err := strconv.Atoi(items)
		if err != nil || n < 1 || n > 10_000 {
			return nil, "", errInvalidParameter("MaxItems %q: must be 1 to 10000", items)
		}
		length = min(n, most)
	}
	end := min(start+length, len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return all[start:end], next, nil
}
