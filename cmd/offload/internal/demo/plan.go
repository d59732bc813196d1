package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
)

// Requests is how many requests a demo drives through the API.
const Requests = 1000

// Of them, so many are of each kind; the rest are events.
const (
	webhooks   = 200
	thumbnails = 100
	large      = 10 // thumbnails of images that no message takes
	exports    = 1
)

// Some tasks are made to fail: a webhook by its receiver, a thumbnail by an image that is none.
const (
	flakyWebhooks   = 30 // answered 503 twice, then 200
	goneWebhooks    = 5  // answered 410: permanent at the first try
	brokenWebhooks  = 5  // answered 500 for ever: dead after the last attempt
	brokenPictures  = 4  // no image: permanent
	brokenLarge     = 1  // no image either, and too large for a message: its payload stays for who looks into it
	exportRows      = 100_000
	thumbnailPixels = 120
)

// kindLarge are the thumbnails whose image travels beside the message.
const kindLarge = "large image"

// request is one call of the API and the end that its task must come to.
type request struct {
	id   string // of the task, by the key of the request
	kind string
	path string
	body []byte
	dead bool // made to fail for good
}

// plan makes the requests, in an order that mixes the kinds. The same seed gives the same plan.
func plan(receiver string, seed uint64) ([]request, error) {
	requests := make([]request, 0, Requests)
	for i := range webhooks {
		mood := moodOf(i)
		body, err := json.Marshal(map[string]any{"url": fmt.Sprintf("%s/%s/%d", receiver, mood, i), "payload": map[string]int{"order": i}})
		if err != nil {
			return nil, err
		}
		requests = append(requests, request{kind: "webhook", path: "/webhooks", body: body, dead: mood == moodGone || mood == moodBroken})
	}
	pictures, err := samples()
	if err != nil {
		return nil, err
	}
	for i := range thumbnails {
		r := request{kind: "thumbnail", path: fmt.Sprintf("/thumbnails?width=%d", thumbnailPixels), body: pictures[i%len(pictures)]}
		if i < brokenPictures {
			r.body, r.dead = []byte("this is no image"), true
		}
		requests = append(requests, r)
	}
	photograph, err := noise(900, 600)
	if err != nil {
		return nil, err
	}
	for i := range large {
		r := request{kind: kindLarge, path: fmt.Sprintf("/thumbnails?width=%d", thumbnailPixels), body: append(photograph[:len(photograph):len(photograph)], byte(i))}
		if i < brokenLarge {
			r.body, r.dead = append([]byte("this is no image"), photograph...), true
		}
		requests = append(requests, r)
	}
	for range exports {
		requests = append(requests, request{kind: "export", path: "/exports", body: fmt.Appendf(nil, `{"rows":%d}`, exportRows)})
	}
	for i := range Requests - len(requests) {
		body := fmt.Appendf(nil, `{"name":"signup","properties":{"user":%d,"plan":"free"}}`, i)
		requests = append(requests, request{kind: "event", path: "/events", body: body})
	}
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a plan is no secret, and must repeat
	random.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
	for i := range requests {
		requests[i].id = fmt.Sprintf("demo-%04d", i)
	}
	return requests, nil
}

// moodOf says how the receiver treats webhook i.
func moodOf(i int) string {
	switch {
	case i < flakyWebhooks:
		return moodFlaky
	case i < flakyWebhooks+goneWebhooks:
		return moodGone
	case i < flakyWebhooks+goneWebhooks+brokenWebhooks:
		return moodBroken
	}
	return moodFine
}

// samples draws a few pictures and encodes them as a camera and a screenshot tool would.
func samples() ([][]byte, error) {
	var files [][]byte
	for i, size := range []image.Point{{640, 480}, {480, 640}, {800, 600}, {1024, 256}} {
		picture := image.NewRGBA(image.Rectangle{Max: size})
		for y := range size.Y {
			for x := range size.X {
				picture.Set(x, y, color.RGBA{uint8(x * 255 / size.X), uint8(y * 255 / size.Y), uint8((x ^ y) & 0xff), 255})
			}
		}
		var jpg, pngFile bytes.Buffer
		if err := jpeg.Encode(&jpg, picture, &jpeg.Options{Quality: 70 + i*5}); err != nil {
			return nil, err
		}
		if err := png.Encode(&pngFile, picture); err != nil {
			return nil, err
		}
		files = append(files, jpg.Bytes(), pngFile.Bytes())
	}
	return files, nil
}

// noise draws a picture that hardly compresses, as photographs do.
func noise(width, height int) ([]byte, error) {
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(picture.Pix) // never fails
	for i := 3; i < len(picture.Pix); i += 4 {
		picture.Pix[i] = 0xff // opaque
	}
	var file bytes.Buffer
	err := png.Encode(&file, picture)
	return file.Bytes(), err
}
