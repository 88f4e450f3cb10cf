package catalina

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// serverXML is the reference's conf/server.xml with our ports. Where generations
// differ (tribes: the dispatch interceptor lost its 15 in 8.5, the session id binder
// listener went away), 7.0 gets the reference's words and later ones the new.
var serverXML = template.Must(template.New("server.xml").Funcs(template.FuncMap{"attrs": attributes}).Parse(
	`<?xml version="1.0" encoding="UTF-8"?>
<Server port="{{.Shutdown}}" shutdown="SHUTDOWN">
  {{- if .Seven}}
  <Listener className="org.apache.catalina.core.JasperListener"/>
  {{- end}}
  <Service name="Catalina">
    <Connector {{attrs .HTTPAttributes}}/>
    <Connector {{attrs .AJPAttributes}}/>
    {{- range .Connectors}}
    {{.}}
    {{- end}}
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="{{.Route}}">
      {{- if .Cluster}}
      <Cluster className="org.apache.catalina.ha.tcp.SimpleTcpCluster" channelSendOptions="8">
        <Manager className="org.apache.catalina.ha.session.BackupManager"
            {{if .Seven}}expireSessionsOnShutdown="false" {{end}}notifyListenersOnReplication="true" mapSendOptions="6"/>
        <Channel className="org.apache.catalina.tribes.group.GroupChannel">
          <Membership className="org.apache.catalina.tribes.membership.McastService"
              address="{{.Multicast.Group}}" port="{{.Multicast.Port}}"
              {{- if .Multicast.Bind}} bind="{{.Multicast.Bind}}"{{end}} frequency="500" dropTime="3000"/>
          <Receiver className="org.apache.catalina.tribes.transport.nio.NioReceiver"
              address="{{.Address}}" port="{{.Receiver}}" autoBind="100" selectorTimeout="5000" maxThreads="6"/>
          <Sender className="org.apache.catalina.tribes.transport.ReplicationTransmitter">
            <Transport className="org.apache.catalina.tribes.transport.nio.PooledParallelSender"/>
          </Sender>
          <Interceptor className="org.apache.catalina.tribes.group.interceptors.TcpFailureDetector"/>
          <Interceptor className="org.apache.catalina.tribes.group.interceptors.MessageDispatch{{if .Seven}}15{{end}}Interceptor"/>
        </Channel>
        <Valve className="org.apache.catalina.ha.tcp.ReplicationValve" filter=""/>
        <Valve className="org.apache.catalina.ha.session.JvmRouteBinderValve"/>
        {{- if .Seven}}
        <ClusterListener className="org.apache.catalina.ha.session.JvmRouteSessionIDBinderListener"/>
        {{- end}}
        <ClusterListener className="org.apache.catalina.ha.session.ClusterSessionListener"/>
      </Cluster>
      {{- end}}
      <Host name="localhost" appBase="webapps" unpackWARs="false" autoDeploy="false"/>
    </Engine>
  </Service>
</Server>
`))

// view is what the template sees.
type view struct {
	Seven, Cluster                bool
	Shutdown, Receiver            int
	Address, Route                string
	Multicast                     Multicast
	HTTPAttributes, AJPAttributes map[string]string
	Connectors                    []string
}

// render writes server.xml for options whose ports are all known.
func render(o *Options, g generation) ([]byte, error) {
	http := map[string]string{
		"port": strconv.Itoa(o.HTTP), "protocol": "HTTP/1.1", "address": o.Address,
		"connectionTimeout": "20000", "redirectPort": "8443",
	}
	maps.Copy(http, o.HTTPAttributes)
	ajp := map[string]string{
		"port": strconv.Itoa(o.AJP), "protocol": "AJP/1.3", "address": o.Address, "redirectPort": "8443",
	}
	if o.Secret != "" {
		ajp["secretRequired"], ajp["secret"] = "true", o.Secret
	} else {
		// The reference has no secret; since 7.0.100 that has to be said.
		ajp["secretRequired"] = "false"
	}
	if o.PacketSize != 0 {
		ajp["packetSize"] = strconv.Itoa(o.PacketSize)
	}
	maps.Copy(ajp, o.AJPAttributes)
	var out bytes.Buffer
	err := serverXML.Execute(&out, view{
		Seven: g.seven, Cluster: o.Cluster, Shutdown: o.Shutdown, Receiver: o.Receiver,
		Address: o.Address, Route: escape(o.Name), Multicast: o.Multicast, HTTPAttributes: http, AJPAttributes: ajp,
		Connectors: o.Connectors,
	})
	return out.Bytes(), err
}

// attributes renders XML attributes in name order; an empty value drops the attribute,
// which is how a caller takes one of ours away. `""` must be written as a space.
func attributes(m map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if m[name] == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name + `="` + escape(m[name]) + `"`)
	}
	return b.String()
}

func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) // a bytes.Buffer takes everything
	return b.String()
}
