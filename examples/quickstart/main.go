// Command quickstart answers at once and leaves the work to the function.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/transport/sqstransport"

	"example.com/quickstart/tasks"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	check(err)
	queue, err := sqstransport.New(sqstransport.NewClient(cfg), os.Getenv("OFFLOAD_QUEUE_URL"), nil)
	check(err)
	c, err := client.New(queue, nil)
	check(err)
	http.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		receipt, err := c.Fire(r.Context(), tasks.Welcome.With(tasks.Email{To: r.FormValue("to")}))
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintln(w, receipt.ID)
	})
	addr := cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8081")
	log.Printf("try: curl -d to=ann@example.com http://%s/signup", addr)
	check(http.ListenAndServe(addr, nil))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
