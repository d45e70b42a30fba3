import type { Finding } from "#wire/findings.ts";

/** The catalogue of findings (wire/findings.ts) in German: what is so, and what to do. */
export const FINDINGS_DE: Readonly<Record<Finding, readonly [meaning: string, remedy: string]>> = {
  ok: ["Alles ist, wie es sein soll.", ""],

  skipped_earlier: [
    "Was dafür nötig ist, schlug schon fehl; darum wurde nicht nachgesehen.",
    "Beheben Sie zuerst das.",
  ],
  skipped_left_out: [
    "Es gibt mehr, als in einem Durchgang geprüft wird; der Rest wurde ausgelassen.",
    "Prüfen Sie einen Knoten für sich: porthole doctor --node ID",
  ],
  skipped_more_hypervisors: [
    "Der Pool hat mehr Hypervisoren, als ein Knoten in einem Durchgang probiert; der Rest wurde ausgelassen.",
    "Prüfen Sie noch einmal: Jeder Durchgang nimmt andere.",
  ],
  skipped_node_away: [
    "Der Knoten läuft nicht und wurde darum nicht gefragt.",
    "Sehen Sie nach der Zeile seiner Verbindung, und prüfen Sie noch einmal.",
  ],
  skipped_node_older: [
    "Der Knoten hat eine ältere Version, die diese Prüfung nicht kennt.",
    "Bringen Sie ihn auf die Version der Steuerung.",
  ],
  check_silent: [
    "Der Knoten läuft, wurde gefragt und sagte nicht rechtzeitig, was er fand.",
    "Sehen Sie in sein Log, und prüfen Sie noch einmal. Bleibt es so, ist seine Verbindung langsam oder bricht ab.",
  ],
  check_busy: ["Der Knoten sah noch für jemand anderen nach.", "Prüfen Sie gleich noch einmal."],
  check_out_of_time: [
    "Die Zeit dieses Durchgangs war vorbei, ehe dies an der Reihe war.",
    "Beheben Sie, was nicht antwortet, und prüfen Sie noch einmal.",
  ],
  skipped_not_asked: [
    "Hier antwortete ein anderer Knoten, der in diesem Durchgang nicht gefragt wurde: Mehrere teilen sich diese Adresse.",
    "Prüfen Sie noch einmal: Sie wechseln sich ab. Ohne --node werden alle gefragt.",
  ],
  skipped_plain: [
    "Hier wird unverschlüsseltes HTTP gesprochen; ein Zertifikat gibt es nicht.",
    "Für TLS setzen Sie consoleproxy.sslEnabled auf true, oder beenden Sie TLS in einem Proxy davor.",
  ],
  skipped_tls_ahead: [
    "TLS endet bei dem, was davor steht: Der Knoten selbst spricht unverschlüsseltes HTTP.",
    "",
  ],
  skipped_same_clock: ["Die Datenbank ist eingebettet und hat die Uhr der Steuerung.", ""],
  skipped_no_domain: [
    "Knoten werden unter Adressen gefunden: consoleproxy.url.domain nennt keine Domain.",
    "Wie sie Namen bekommen, steht in docs/operations/dns.md.",
  ],
  skipped_not_delegated: [
    "Die Domain hat keine eigenen Nameserver: Ihre Namen stehen in der Zone darüber.",
    "Ob sie es tun, sagen die Zeilen der Namen. Soll Porthole für sie antworten: docs/operations/dns.md.",
  ],
  skipped_no_hypervisors: [
    "Für den Pool dieses Knotens ist keine laufende Maschine eingetragen.",
    "Tragen Sie eine ein: porthole machine add",
  ],
  skipped_same_network: [
    "Knoten haben keine privateren Adressen als diese Seite; der Browser fragt darum nicht um Erlaubnis.",
    "",
  ],
  skipped_other_origin: [
    "Diese Seite wurde unter einer anderen Adresse geöffnet als der eigenen der Steuerung; Knoten antworten ihr darum nicht.",
    "Öffnen Sie sie unter der eigenen (--public-url), die hier steht, oder rufen Sie auf: porthole doctor",
  ],
  skipped_permission_unknown: [
    "Dieser Browser kennt keine Erlaubnis für lokale Netze und fragt darum nicht danach.",
    "",
  ],

  no_nodes: [
    "Kein Konsolenknoten ist beigetreten; Konsolen können nirgends geöffnet werden.",
    "Lassen Sie einen beitreten: porthole join-token create, und docs/operations/running.md.",
  ],
  pool_without_nodes: [
    "In diesem Pool sind Maschinen und kein Knoten, also öffnet sich keine ihrer Konsolen.",
    "Lassen Sie einen Knoten beitreten: porthole join-token create --pool POOL. Wo der Name falsch ist: porthole hypervisor update, oder machine update, mit --pool.",
  ],
  database_slow: [
    "Die Datenbank braucht lange für eine Antwort, und jede Konsole wartet auf sie.",
    "Sehen Sie nach ihrer Last, ihrer Platte und dem Netz dazwischen: docs/operations/database.md.",
  ],
  clock_off: [
    "Die beiden Uhren weichen um mehr als eine halbe Minute voneinander ab.",
    "Stellen Sie beide nach NTP (timedatectl set-ntp true). Zertifikate und Zeiten im Log richten sich danach.",
  ],

  link_down: [
    "Vom Knoten ist nichts zu hören: Er läuft nicht, oder er erreicht die Verbindung zur Steuerung nicht.",
    "Sehen Sie in sein Log, und ob er den Port --link der Steuerung erreicht: docs/operations/running.md.",
  ],
  link_never: [
    "Der Knoten ist beigetreten und hat sich nie gemeldet.",
    "Sehen Sie in sein Log. Gibt es ihn nicht mehr: porthole node remove ID",
  ],
  link_stopped: [
    "Der Knoten hat gesagt, dass er aufhört.",
    "Starten Sie ihn wieder, oder: porthole node remove ID",
  ],
  link_refused: ["Der Knoten ist gesperrt.", "Er muss neu beitreten: porthole join-token create"],
  link_draining: [
    "Der Knoten wird außer Dienst genommen und bekommt keine neuen Konsolen.",
    "Damit er wieder welche bekommt: porthole node start ID",
  ],
  link_version: [
    "Knoten und Steuerung haben verschiedene Versionen.",
    "Aktualisieren Sie, was älter ist, die Steuerung zuerst: docs/operations/running.md.",
  ],
  certificate_refused: [
    "Der Knoten kann das Zertifikat nicht laden, das er ausliefern soll, und bleibt bei dem, was er hatte.",
    "Laden Sie ein anderes hoch: porthole certificate upload. Der ganze Grund steht im Log des Knotens.",
  ],
  certificate_missing: [
    "consoleproxy.sslEnabled ist an, und der Knoten hat nicht gesagt, dass er TLS spricht.",
    "Warten Sie einen Moment. Bleibt es so, sehen Sie in sein Log; Knoten älterer Versionen sprechen kein TLS.",
  ],

  name_unresolved: [
    "Der Resolver kennt den Namen nicht.",
    "Tragen Sie ihn in Ihr DNS ein, oder delegieren Sie die Domain an Portholes Nameserver: docs/operations/dns.md.",
  ],
  resolver_silent: [
    "Der Resolver antwortet für diesen Namen nicht.",
    "Sehen Sie nach /etc/resolv.conf, und ob die Nameserver der Domain per UDP und TCP auf Port 53 erreichbar sind.",
  ],
  name_elsewhere: [
    "Der Name führt zu einer anderen Adresse als der des Knotens.",
    "Richtig, wenn dort ein NAT oder ein Proxy steht. Sonst berichtigen Sie den Eintrag: porthole dns zone",
  ],
  domain_not_delegated: [
    "Die Einstellung dns.name.servers nennt Nameserver der Domain, und die Zone darüber nennt keine.",
    "Tragen Sie dort NS ein: docs/operations/dns.md. Oder leeren Sie die Einstellung, wenn andere für diese Namen antworten.",
  ],
  domain_elsewhere: [
    "Die NS-Einträge der Domain nennen nicht die Nameserver der Einstellung dns.name.servers.",
    "Bringen Sie die NS-Einträge der Zone darüber und die Einstellung überein: docs/operations/dns.md.",
  ],

  connect_refused: [
    "Dort lauscht niemand: Die Verbindung wurde abgelehnt.",
    "Sehen Sie, ob läuft, was dort lauschen soll, und auf diesem Port; dann nach der Firewall.",
  ],
  connect_silent: [
    "Auf eine Verbindung dorthin antwortet rechtzeitig niemand.",
    "Eine Firewall, eine Sicherheitsgruppe oder eine fehlende NAT-Regel verwirft sie: Lassen Sie den Port durch.",
  ],
  connect_unreachable: [
    "Von hier führt kein Weg zu dieser Adresse.",
    "Sehen Sie nach den Routen, und ob IPv6 im DNS steht, ohne dass es IPv6 gibt.",
  ],
  connect_cut: [
    "Die Verbindung brach ab, ehe eine Antwort kam.",
    "Sehen Sie in das Log dessen, was dort lauscht; auch etwas dazwischen kann sie beenden.",
  ],
  hairpin: [
    "Der Knoten erreicht seine eigene öffentliche Adresse nicht.",
    "Richtig hinter einem NAT, das nichts nach innen zurückschickt. Es zählt dieselbe Zeile von dort, wo Menschen sind.",
  ],

  tls_not_known_to_node: [
    "Der Knoten kennt die CA des Zertifikats an seiner öffentlichen Adresse nicht.",
    "Richtig, wenn Browser sie kennen und Server nicht. Es zählt dieselbe Zeile von dort, wo Menschen sind.",
  ],
  tls_alone_to_node: [
    "Das Zertifikat an der öffentlichen Adresse des Knotens kam allein, und der Knoten kennt nicht, wer es ausgestellt hat.",
    "Liefern Sie die ganze Kette aus (fullchain.pem von certbot). Richtig nur, wenn es die Wurzel einer CA ausgestellt hat, die Browser kennen und Server nicht.",
  ],
  tls_none: [
    "Dort wird kein TLS gesprochen, obwohl die Adresse mit https beginnt.",
    "Geben Sie dem Port TLS, oder lassen Sie es den Proxy davor beenden: docs/operations/tls.md.",
  ],
  tls_fails: [
    "Der TLS-Handschlag schlägt fehl.",
    "Sehen Sie, welche Versionen und Verfahren beide sprechen: Knoten sprechen TLS 1.2 und 1.3. Ein Proxy kann den Servernamen verlangen.",
  ],
  tls_own_authority: [
    "Das Zertifikat ist von der eigenen CA dieser Installation, der hier nicht vertraut wird.",
    "Importieren Sie sie (porthole node authority > ca.pem), oder laden Sie ein öffentliches hoch: porthole certificate upload.",
  ],
  tls_unknown_authority: [
    "Die Kette endet bei einer CA, der hier nicht vertraut wird.",
    "Importieren Sie die Wurzel dieser CA in Browser und System, oder laden Sie ein Zertifikat einer vertrauten hoch. Wird der Wurzel schon vertraut, so fehlt ein Zwischenzertifikat: Liefern Sie die ganze Kette aus.",
  ],
  tls_chain_incomplete: [
    "Das Zertifikat kam allein: Wer es ausgestellt hat, wurde nicht mitgeschickt und ist hier unbekannt.",
    "Liefern Sie die ganze Kette aus (fullchain.pem von certbot), mit jedem Zwischenzertifikat hinter dem eigenen. Hat es die Wurzel einer eigenen CA ausgestellt, so importieren Sie diese.",
  ],
  tls_unfit: [
    "Ein Zertifikat der Kette ist keines, das Clients annehmen; der Grund steht dabei.",
    "Besorgen Sie ein anderes, für Server und mit Schlüsseln und Unterschriften, die Browser annehmen: docs/operations/certificates.md.",
  ],
  tls_self_signed: [
    "Das Zertifikat ist von sich selbst unterschrieben, und ihm wird hier nicht vertraut.",
    "Setzen Sie eines einer CA an seine Stelle: porthole certificate upload, oder im Proxy davor.",
  ],
  tls_wrong_name: [
    "Das Zertifikat gilt nicht für diesen Namen.",
    "Besorgen Sie eines mit diesem Namen oder einem Platzhalter dafür, oder sehen Sie, wer dort statt Porthole antwortet.",
  ],
  tls_expired: [
    "Ein Zertifikat der Kette ist abgelaufen.",
    "Erneuern Sie es: docs/operations/certificates.md.",
  ],
  tls_not_yet: [
    "Das Zertifikat gilt noch nicht.",
    "Sehen Sie nach der Uhr dieses Rechners und dessen, der das Zertifikat ausstellte.",
  ],
  tls_ends_soon: [
    "Das Zertifikat läuft bald ab.",
    "Erneuern Sie es, oder sehen Sie, warum es nicht erneuert wurde: docs/operations/certificates.md.",
  ],

  page_status: [
    "Die Seite der Konsole wird mit einem anderen Status als 200 beantwortet.",
    "Der Proxy davor muss jeden Pfad unter /p/ an die Knoten geben: docs/operations/front-proxy.md.",
  ],
  page_redirected: [
    "Die Seite der Konsole wird anderswohin umgeleitet.",
    "Sehen Sie, wohin. Ein Knoten mit TLS leitet Anfragen ohne so um: Ein Proxy davor muss dann TLS mit ihm sprechen.",
  ],
  page_other: [
    "Dort antwortet etwas, und es ist kein Knoten von Porthole.",
    "Sehen Sie, was diese Adresse und diesen Port hat: die Vorgabeseite eines Proxys, oder ein anderer Dienst.",
  ],
  page_gateway: [
    "Der Proxy davor sagt, dass er den Knoten nicht erreicht.",
    "Sehen Sie nach den Adressen der Knoten in seiner Konfiguration, und ob sie TLS oder HTTP sprechen.",
  ],
  page_unreachable: [
    "Der Browser bekommt die Seite des Knotens nicht und sagt nicht, warum.",
    "Öffnen Sie die Adresse in einem eigenen Tab, um den Grund zu sehen, oder rufen Sie auf: porthole doctor. Bei https ist es meist das Zertifikat: Die eigene CA der Installation, die auf der Seite Zertifikate steht, ist erst zu importieren.",
  ],
  page_unread: [
    "Der Browser darf nicht lesen, was für die Seite antwortet. Der WebSocket an derselben Stelle ist der eines Knotens.",
    "So antwortet ein Knoten älterer Version: Aktualisieren Sie ihn. Sonst nimmt ein Proxy Access-Control-Allow-Origin heraus.",
  ],
  script_missing: [
    "Der Teil dieser Seite, der vom Browser aus nachsieht, ist nicht angelaufen.",
    "Laden Sie die Seite neu. Bleibt es so, sehen Sie in die Konsole des Browsers: Eine Erweiterung oder ein Proxy vor der Steuerung hält ihn zurück.",
  ],
  mixed_content: [
    "Diese Seite kam per https, und der Knoten spricht HTTP; der Browser lässt die beiden nicht zueinander.",
    "Setzen Sie consoleproxy.sslEnabled auf true. Konsolen öffnen in eigenen Tabs, aber nicht in einer Seite mit https.",
  ],

  websocket_not_passed: [
    "Was davor steht, reicht Seiten weiter, aber nicht den WebSocket.",
    "Für nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; mit der map dazu. Siehe docs/operations/front-proxy.md.",
  ],
  websocket_gateway: [
    "Der Proxy davor sagt, dass er den WebSocket des Knotens nicht erreicht.",
    "Sehen Sie nach dem Ziel von /websockify in seiner Konfiguration, und ob er TLS mit dem Knoten sprechen soll.",
  ],
  websocket_status: [
    "Der WebSocket wird mit einem HTTP-Status abgelehnt, der nicht von Porthole ist.",
    "Sehen Sie, welcher Server antwortet; Zugriffsregeln eines Proxys müssen /websockify durchlassen.",
  ],
  websocket_silent: [
    "Der WebSocket wird nicht rechtzeitig beantwortet.",
    "Ein Proxy, der puffert oder hineinsieht, hält ihn auf: proxy_buffering off; docs/operations/front-proxy.md.",
  ],
  websocket_other: [
    "Dort öffnet sich ein WebSocket, und es ist nicht der eines Knotens von Porthole.",
    "Sehen Sie, was diese Adresse und diesen Port hat, und ob der Proxy Sec-WebSocket-Protocol weiterreicht.",
  ],
  websocket_unreachable: [
    "Der Browser kann den WebSocket nicht öffnen und sagt nicht, warum.",
    "Ist die Zeile der Seite in Ordnung, reicht ein Proxy WebSockets nicht weiter. Für den Grund rufen Sie auf: porthole doctor",
  ],
  websocket_origin: [
    "Der Knoten lehnt WebSockets von Seiten dieser Herkunft ab.",
    "Der Proxy ändert Origin, oder die öffentliche Adresse ist eine andere, als der Knoten weiß: --public-url, oder console.allowed.origins.",
  ],
  websocket_tls: [
    "Der Knoten spricht TLS und wurde ohne nach dem WebSocket gefragt.",
    "Der Proxy muss TLS mit ihm sprechen, oder X-Forwarded-Proto schicken und in --trusted-proxies stehen.",
  ],

  forwarding_untrusted: [
    "Ein Proxy sagt, wessen Anfragen er weiterreicht, und der Knoten glaubt ihm nicht.",
    "Starten Sie Knoten mit --trusted-proxies ADRESSE dieses Proxys: docs/operations/front-proxy.md.",
  ],
  forwarding_missing: [
    "Ein vertrauter Proxy sagt nicht, wessen Anfragen er weiterreicht.",
    "Lassen Sie ihn X-Forwarded-For schicken: proxy_set_header X-Forwarded-For $remote_addr; oder das PROXY-Protokoll.",
  ],
  forwarding_scheme: [
    "Die Seite kam bis zum Proxy per https, und der Proxy sagt es nicht.",
    "Lassen Sie ihn X-Forwarded-Proto schicken: proxy_set_header X-Forwarded-Proto $scheme;",
  ],
  forwarding_unknown: [
    "Der Knoten sagte nicht, wie die Anfrage zu ihm kam.",
    "Sehen Sie nach den Zeilen der Seite und seiner Verbindung, und prüfen Sie noch einmal.",
  ],

  hypervisor_unasked: [
    "Die Steuerung hat vom Hypervisor nicht erfahren, wo der Bildschirm dieser Maschine ist.",
    "Sehen Sie den Grund und das Log der Steuerung, und ob sie den Hypervisor erreicht und fragen darf: porthole hypervisor test",
  ],
  hypervisor_unnamed: [
    "Der Resolver des Knotens kennt den Namen des Hypervisors nicht.",
    "Tragen Sie ihn in das DNS ein, das Knoten fragen, oder nehmen Sie seine Adresse: porthole machine update --address",
  ],
  hypervisor_forbidden: [
    "Die Einstellung upstream.allow lässt Knoten diese Adresse nicht anwählen.",
    "Ist sie richtig, nehmen Sie ihr Netz auf: porthole setting set upstream.allow",
  ],
  hypervisor_reserved: [
    "Die Adresse gehört zur Maschine des Knotens selbst, zu seinem eigenen Netzabschnitt oder zu den Metadaten einer Cloud; Knoten wählen sie nur an, wo sie eigens genannt ist.",
    "Ist sie richtig, nehmen Sie genau diese Adresse auf, kein weiteres Netz: porthole setting set upstream.allow",
  ],
  hypervisor_is_porthole: [
    "An dieser Adresse lauscht Porthole selbst.",
    "Berichtigen Sie die Adresse der Maschine: porthole machine update --address",
  ],
  hypervisor_silent: [
    "Die Verbindung wird angenommen, und nichts wird gesagt, obwohl ein VNC-Server zuerst spricht.",
    "Sehen Sie, ob der Port der des Bildschirms ist, und ob sein Server hängt oder mit anderen beschäftigt ist.",
  ],
  hypervisor_other: [
    "Was dort antwortet, ist kein VNC-Server.",
    "Sehen Sie nach dem Port: Web- und SSH-Server antworten anders. Berichtigen Sie ihn: porthole machine update --address",
  ],

  local_network_asks: [
    "Der Browser fragt Menschen, ehe Seiten von hier Knoten unter privaten Adressen erreichen.",
    "Antworten Sie dann „Zulassen“. Für verwaltete Browser: die Richtlinie LocalNetworkAccessAllowedForUrls.",
  ],
  local_network_denied: [
    "Der Browser lässt Seiten von hier Knoten unter privaten Adressen nicht erreichen.",
    "Erlauben Sie den Zugriff auf das lokale Netz in den Website-Einstellungen, oder durch die Richtlinie LocalNetworkAccessAllowedForUrls.",
  ],
  local_network_insecure: [
    "Diese Seite kam ohne TLS, und nur Seiten mit TLS dürfen um private Adressen bitten.",
    "Liefern Sie die Steuerung per https aus: docs/operations/tls.md.",
  ],
};
