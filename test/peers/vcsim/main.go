// A vCenter for the tests: Debian's govmomi has a simulator as a library, and this adds what it lacks. Machines give tickets for
// WebMKS, and the tickets open a WebSocket that ends at a real QEMU's VNC.
//
// What is added follows the documents of the vSphere Web Services SDK: VirtualMachine.AcquireTicket and VirtualMachineTicket. What a
// host says to a ticket that it does not know is not written down there; here it is 404.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	username = "console@vsphere.local"
	password = "geheim"
	fqdn     = "vcenter.example.com"
)

// What is given to whoever may open a machine's console once.
type ticket struct {
	machine types.ManagedObjectReference
	// The host that gave it: another one does not know it.
	host types.ManagedObjectReference
}

type consoles struct {
	sync.Mutex
	tickets map[string]ticket
	open    map[types.ManagedObjectReference]int
	// Held by who is connecting to the screen.
	dialling sync.Mutex

	rfb         string
	address     *net.TCPAddr
	fingerprint string
	most        int
	vcenter     *url.URL
}

// The simulator asks a machine for its methods, and those that it has not are found here.
type machine struct {
	simulator.VirtualMachine
	consoles *consoles
	vnc      *vnc
}

func (m *machine) AcquireTicket(request *types.AcquireTicket) soap.HasFault {
	body := new(methods.AcquireTicketBody)
	if state := m.Runtime.PowerState; state != types.VirtualMachinePowerStatePoweredOn {
		body.Fault_ = simulator.Fault("", &types.InvalidPowerState{
			RequestedState: types.VirtualMachinePowerStatePoweredOn,
			ExistingState:  state,
		})
		return body
	}
	if request.TicketType != "webmks" {
		body.Fault_ = simulator.Fault("", &types.InvalidArgument{InvalidProperty: "ticketType"})
		return body
	}
	name := m.consoles.give(ticket{m.Self, *m.Runtime.Host})
	body.Res = &types.AcquireTicketResponse{Returnval: types.VirtualMachineTicket{
		Ticket:        name,
		CfgFile:       m.Config.Files.VmPathName,
		Host:          m.consoles.address.IP.String(),
		Port:          int32(m.consoles.address.Port),
		SslThumbprint: m.consoles.fingerprint,
	}}
	return body
}

// RebootGuest is asked of VMware Tools, which here are always there.
func (m *machine) RebootGuest(ctx *simulator.Context, request *types.RebootGuest) soap.HasFault {
	m.ResetVMTask(ctx, &types.ResetVM_Task{This: request.This})
	return &methods.RebootGuestBody{Res: new(types.RebootGuestResponse)}
}

func (c *consoles) give(t ticket) string {
	bytes := make([]byte, 8)
	if _, err := rand.Read(bytes); err != nil {
		log.Fatal(err)
	}
	name := hex.EncodeToString(bytes)
	c.Lock()
	defer c.Unlock()
	c.tickets[name] = t
	return name
}

// take resolves a ticket, once.
func (c *consoles) take(name string) (ticket, bool) {
	c.Lock()
	defer c.Unlock()
	t, found := c.tickets[name]
	delete(c.tickets, name)
	if !found {
		return t, false
	}
	m, found := simulator.Map.Get(t.machine).(*machine)
	isThere := found && m.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
	return t, isThere && *m.Runtime.Host == t.host
}

func (c *consoles) enter(of types.ManagedObjectReference) bool {
	c.Lock()
	defer c.Unlock()
	if c.open[of] >= c.most {
		return false
	}
	c.open[of]++
	return true
}

func (c *consoles) leave(of types.ManagedObjectReference) {
	c.Lock()
	defer c.Unlock()
	c.open[of]--
}

func (c *consoles) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	t, found := c.take(strings.TrimPrefix(request.URL.Path, "/ticket/"))
	if !found {
		http.Error(answer, "no such ticket", http.StatusNotFound)
		return
	}
	c.serve(t, answer, request)
}

// serveProxy is the console proxy of vCenters before 7.0, as OpenStack's proposal for WebMKS and people's own notes have it: it opens
// the console for whoever brings a ticket that clones a session, and everything else that it wants to hear.
func (c *consoles) serveProxy(answer http.ResponseWriter, request *http.Request) {
	query := request.URL.Query()
	of := types.ManagedObjectReference{Type: "VirtualMachine", Value: query.Get("vmId")}
	m, found := simulator.Map.Get(of).(*machine)
	isRight := found && query.Get("vmName") == m.Name && query.Get("host") == fqdn+":443" &&
		query.Get("thumbprint") == c.fingerprint && len(query) == 5
	if !isRight {
		http.Error(answer, "not what is asked here", http.StatusBadRequest)
		return
	}
	if err := c.clone(request.Context(), query.Get("sessionTicket")); err != nil {
		http.Error(answer, "no such session", http.StatusForbidden)
		return
	}
	c.serve(ticket{m.Self, *m.Runtime.Host}, answer, request)
}

// clone begins a session by a ticket, as the proxy does it, and so spends the ticket.
func (c *consoles) clone(ctx context.Context, name string) error {
	client, err := vim25.NewClient(ctx, soap.NewClient(c.vcenter, true))
	if err != nil {
		return err
	}
	_, err = methods.CloneSession(ctx, client, &types.CloneSession{
		This:        *client.ServiceContent.SessionManager,
		CloneTicket: name,
	})
	return err
}

func (c *consoles) serve(t ticket, answer http.ResponseWriter, request *http.Request) {
	if !c.enter(t.machine) {
		http.Error(answer, "too many consoles", http.StatusServiceUnavailable)
		return
	}
	defer c.leave(t.machine)
	upgrader := websocket.Upgrader{
		Subprotocols: []string{"binary", "vmware-vvc"},
		CheckOrigin:  func(*http.Request) bool { return true },
	}
	viewer, err := upgrader.Upgrade(answer, request, nil)
	if err != nil {
		return
	}
	defer viewer.Close()
	screen, version, err := c.dial()
	if err != nil {
		return
	}
	defer screen.Close()
	go func() {
		defer viewer.Close()
		if viewer.WriteMessage(websocket.BinaryMessage, version) != nil {
			return
		}
		bytes := make([]byte, 32*1024)
		for {
			count, err := screen.Read(bytes)
			if err != nil || viewer.WriteMessage(websocket.BinaryMessage, bytes[:count]) != nil {
				return
			}
		}
	}()
	for {
		_, message, err := viewer.NextReader()
		if err != nil {
			return
		}
		if _, err := io.Copy(screen, message); err != nil {
			return
		}
	}
}

// dial connects to the screen, and resolves to its ProtocolVersion beside it. QEMU lets one at a time wait for it, and passes over
// who comes meanwhile.
func (c *consoles) dial() (net.Conn, []byte, error) {
	c.dialling.Lock()
	defer c.dialling.Unlock()
	screen, err := net.Dial("tcp", c.rfb)
	if err != nil {
		return nil, nil, err
	}
	version := make([]byte, 12)
	if _, err := io.ReadFull(screen, version); err != nil {
		screen.Close()
		return nil, nil, err
	}
	return screen, version, nil
}

// servePicture is the address /screen of vCenter and hosts, which asks for an account and not for a session.
func servePicture(answer http.ResponseWriter, request *http.Request) {
	name, said, _ := request.BasicAuth()
	if name != username || said != password {
		answer.Header().Set("WWW-Authenticate", `Basic realm="VMware HTTP server"`)
		http.Error(answer, "", http.StatusUnauthorized)
		return
	}
	of := types.ManagedObjectReference{Type: "VirtualMachine", Value: request.URL.Query().Get("id")}
	if simulator.Map.Get(of) == nil {
		http.NotFound(answer, request)
		return
	}
	picture := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for x := 0; x < 64; x++ {
		for y := 0; y < 48; y++ {
			picture.Set(x, y, color.RGBA{uint8(4 * x), uint8(5 * y), uint8(x * y), 255})
		}
	}
	answer.Header().Set("Content-Type", "image/png")
	if err := png.Encode(answer, picture); err != nil {
		log.Print(err)
	}
}

func colons(digest []byte) string {
	pairs := make([]string, len(digest))
	for index, each := range digest {
		pairs[index] = fmt.Sprintf("%02X", each)
	}
	return strings.Join(pairs, ":")
}

func main() {
	certificateFile := flag.String("cert", "", "PEM: what it shows, and its hosts")
	keyFile := flag.String("key", "", "PEM")
	rfb := flag.String("rfb", "", "where the machines' screens are")
	version := flag.String("version", "8.0.2.0", "of its API")
	isHost := flag.Bool("host", false, "an ESXi host by itself")
	machines := flag.Int("machines", 2, "in each resource pool")
	most := flag.Int("consoles", 40, "of one machine, at once")
	hostVersion := flag.String("host-version", "", "of its hosts, if they are older")
	network := flag.String("network", "", "the first three numbers of the addresses that are its hosts' own; a host by itself is at .1")
	hash := flag.String("thumbprint", "sha1", "sha1, none, or another's")
	flag.Parse()

	certificate, err := tls.LoadX509KeyPair(*certificateFile, *keyFile)
	if err != nil {
		log.Fatal(err)
	}
	own := "127.0.0.1"
	if *network != "" {
		own = *network + ".1"
	}
	listener, err := tls.Listen("tcp", own+":0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		log.Fatal(err)
	}
	hosts := &consoles{
		tickets: map[string]ticket{},
		open:    map[types.ManagedObjectReference]int{},
		rfb:     *rfb,
		address: listener.Addr().(*net.TCPAddr),
		most:    *most,
	}
	switch *hash {
	case "sha1":
		digest := sha1.Sum(certificate.Certificate[0])
		hosts.fingerprint = colons(digest[:])
	case "other":
		digest := sha256.Sum256(certificate.Certificate[0])
		hosts.fingerprint = colons(digest[:20])
	}

	model := simulator.VPX()
	if *isHost {
		model = simulator.ESX()
	}
	model.Machine = *machines
	model.ServiceContent.About.ApiVersion = *version
	model.ServiceContent.About.Version = *version
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	defer model.Remove()
	for _, each := range simulator.Map.All("VirtualMachine") {
		simulator.Map.Put(&machine{*each.(*simulator.VirtualMachine), hosts, nil})
	}
	nameHosts(*network, *hostVersion)
	model.Service.Listen = &url.URL{Host: own + ":0", User: url.UserPassword(username, password)}
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	model.Service.ServeMux = http.NewServeMux()
	model.Service.ServeMux.HandleFunc("/screen", servePicture)
	server := model.Service.NewServer()
	defer server.Close()
	hosts.vcenter = server.URL
	simulator.Map.OptionManager().UpdateOptions(&types.UpdateOptions{ChangedValue: []types.BaseOptionValue{
		&types.OptionValue{Key: "VirtualCenter.FQDN", Value: fqdn},
	}})

	mux := http.NewServeMux()
	mux.Handle("/ticket/", hosts)
	mux.HandleFunc("/console/authd", hosts.serveProxy)
	go func() {
		log.Fatal(http.Serve(listener, mux))
	}()
	fmt.Println(server.URL.Host, hosts.address.Port)
	// Whoever started it ends it by closing its standard input, so nothing is left behind.
	_, _ = io.Copy(io.Discard, os.Stdin)
}
