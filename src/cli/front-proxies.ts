/** What stands in front of nodes, and is to know of them. */
interface Behind {
  /** The one name that viewers come to. */
  readonly name: string;
  /** HOST:PORT of each node. */
  readonly nodes: readonly string[];
  /** What their paths come behind, where the name is not theirs alone. Nodes take it away themselves. */
  readonly path?: string | undefined;
}

export type Recipe = (behind: Behind) => string;

/**
 * Whole configurations, one for each front proxy, as docs/operations/front-proxy.md gives them. Each writes
 * `X-Forwarded-For` anew, so that what a viewer says of itself does not get through.
 */
export const FRONT_PROXIES = { nginx, haproxy, caddy, traefik } satisfies Record<string, Recipe>;

function nginx({ name, nodes, path = "" }: Behind): string {
  return `map $http_upgrade $connection_upgrade { default upgrade; '' close; }

upstream porthole_nodes {
${each(nodes, (node) => `  server ${node};`)}
}

server {
  listen 443 ssl http2;
  server_name ${name};
  ssl_certificate /etc/nginx/console.pem;
  ssl_certificate_key /etc/nginx/console.key;
  ssl_protocols TLSv1.2 TLSv1.3;

  location ${path}/ {
    proxy_pass http://porthole_nodes;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $host;
    # Written anew, so that what the viewer says of itself does not get through.
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_buffering off;
  }
}
`;
}

function haproxy({ nodes, path }: Behind): string {
  return `defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
  # From when a connection is a WebSocket.
  timeout tunnel 1h

frontend consoles
  bind :443 ssl crt /etc/haproxy/console.pem alpn http/1.1
  # Written anew, so that what the viewer says of itself does not get through.
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  ${path === undefined ? "default_backend nodes" : `use_backend nodes if { path_beg ${path}/ }`}

backend nodes
  balance roundrobin
${each(nodes, (node, number) => `  server node${number} ${node} check`)}
`;
}

function caddy({ name, nodes, path }: Behind): string {
  return `${name} {
  tls /etc/caddy/console.pem /etc/caddy/console.key
  reverse_proxy ${[...(path === undefined ? [] : [`${path}/*`]), ...nodes].join(" ")} {
    lb_policy round_robin
  }
}
`;
}

function traefik({ name, nodes, path }: Behind): string {
  return `http:
  routers:
    consoles:
      rule: Host(\`${name}\`)${path === undefined ? "" : ` && PathPrefix(\`${path}/\`)`}
      service: nodes
      tls: {}
  services:
    nodes:
      loadBalancer:
        servers:
${each(nodes, (node) => `          - url: http://${node}`)}
tls:
  certificates:
    - certFile: /etc/traefik/console.pem
      keyFile: /etc/traefik/console.key
`;
}

/** A line for each node, which are counted from 1 on. */
function each(nodes: readonly string[], line: (node: string, number: number) => string): string {
  return nodes.map((node, index) => line(node, index + 1)).join("\n");
}
