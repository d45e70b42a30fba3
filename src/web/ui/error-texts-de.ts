import type { ErrorCode } from "#wire/errors.ts";
import type { ErrorText } from "./error-texts.ts";

const OPEN_AGAIN = "Öffnen Sie die Konsole noch einmal, um einen neuen zu bekommen.";
const ASK_OPERATOR = "Sagen Sie es Ihrem Betreiber, mit der Referenz unten.";
const TRY_THEN_ASK = "Versuchen Sie es noch einmal; bleibt es so, sagen Sie es Ihrem Betreiber.";
const AGAIN_IN_A_MOMENT = "Versuchen Sie es gleich noch einmal.";

/** The catalogue of errors in German. English stands in wire/errors.ts. */
// biome-ignore format: one error a row reads as the table it is.
export const GERMAN_ERRORS: Readonly<Record<ErrorCode, ErrorText>> = {
  // Tickets
  ticket_missing: text("Diese Adresse braucht ein Ticket, und es wurde keines mitgegeben.", "Öffnen Sie die Konsole aus Ihrer Maschinenliste."),
  ticket_invalid: text("Dieser Link ist beschädigt oder nicht von hier.", OPEN_AGAIN),
  ticket_foreign: text("Dieser Link gehört zu einem anderen Konsolenknoten, oder zu diesem vor seinem Neustart.", OPEN_AGAIN),
  ticket_expired: text("Dieser Link ist zu alt: Ein Konsolenlink gilt nur kurze Zeit.", OPEN_AGAIN),
  ticket_used: text("Dieser Link wurde schon benutzt.", OPEN_AGAIN),
  extra_token_mismatch: text("Das zusätzliche Geheimnis passt nicht zu diesem Link.", "Benutzen Sie das, mit dem der Link angefordert wurde."),
  caller_address_mismatch: text("Dieser Link wurde für eine andere Netzwerkadresse gemacht.", "Öffnen Sie ihn dort, wo er angefordert wurde, oder öffnen Sie die Konsole noch einmal."),
  origin_refused: text("Die Seite eines anderen Anbieters wollte diese Konsole öffnen.", "Öffnen Sie die Konsole aus Ihrer Maschinenliste, oder lassen Sie den Betreiber die Seite in console.allowed.origins eintragen."),
  tls_required: text("Dieser Konsolenknoten nimmt nur verschlüsselte Verbindungen (TLS) an, und diese war keine.", "Öffnen Sie die Konsole noch einmal, um einen Link zu bekommen, der mit https:// beginnt; andere Programme müssen sich über wss:// verbinden."),
  access_withdrawn: text("Sie dürfen diese Maschine nicht mehr öffnen.", "Fragen Sie einen Administrator ihres Projekts."),
  session_timeout: text("Es wurde so lange nichts gezeigt und nichts getippt, dass die Konsole beendet wurde.", "Öffnen Sie die Konsole erneut, wenn Sie sie noch brauchen."),
  session_idle: text("Es wurde so lange nichts getippt und nirgends gezeigt, dass die Konsole beendet wurde.", "Öffnen Sie die Konsole erneut, wenn Sie sie noch brauchen."),
  session_ended: {
    meaning: "Diese Konsole wurde von außen beendet.",
    remedy: "Öffnen Sie die Konsole erneut, wenn Sie sie noch brauchen.",
  },
  reopen_invalid: text("Diese Konsole lässt sich von hier aus nicht mehr öffnen.", "Öffnen Sie sie aus Ihrer Maschinenliste."),

  // The way from the node to the machine
  machine_gone: text("Diese Maschine gibt es nicht mehr.", "Suchen Sie sie in Ihrer Maschinenliste."),
  machine_not_running: text("Diese Maschine läuft nicht und hat darum keine Konsole.", "Starten Sie die Maschine, und öffnen Sie dann ihre Konsole noch einmal."),
  machine_moved: text("Diese Maschine ist umgezogen: Ihre Konsole ist jetzt an einem anderen Ort.", "Öffnen Sie die Konsole noch einmal; sie wird dort geöffnet, wo die Maschine ist."),
  upstream_contested: text("Von zwei Maschinen heißt es, ihre Konsole sei an derselben Stelle; niemand kann sagen, wessen sie ist, und keine von beiden wird geöffnet.", "Versuchen Sie es gleich noch einmal; bleibt es so, lassen Sie einen Administrator nachsehen, wo die Konsolen beider lauschen."),
  upstream_not_allowed: text("Die Konsolenadresse der Maschine liegt außerhalb der Netze, die Konsolenknoten erreichen dürfen.", "Lassen Sie den Betreiber ihr Netz in upstream.allow eintragen."),
  upstream_address_reserved: text("Die Konsolenadresse der Maschine ist eine, die Konsolenknoten nur anwählen, wo der Betreiber sie eigens nennt; ein weiteres Netz genügt nicht.", "Lassen Sie einen Administrator die Adresse der Maschine prüfen; stimmt sie, lassen Sie den Betreiber genau diese Adresse in upstream.allow eintragen."),
  upstream_is_porthole: text("Die Konsolenadresse der Maschine ist eine von Porthole selbst.", "Lassen Sie einen Administrator die Adresse der Maschine prüfen; stimmt sie, lassen Sie den Betreiber genau diese Adresse mit diesem Port in upstream.allow eintragen."),
  upstream_name_unresolved: text("Der Name des Hypervisors dieser Maschine ließ sich nicht auflösen.", ASK_OPERATOR),
  upstream_connection_refused: text("Der Hypervisor hat die Verbindung abgelehnt: Auf dem Konsolenport der Maschine antwortet nichts.", "Sehen Sie nach, ob die Maschine läuft, und versuchen Sie es noch einmal."),
  upstream_unreachable: text("Der Hypervisor ist nicht zu erreichen.", ASK_OPERATOR),
  upstream_timeout: text("Der Hypervisor hat nicht rechtzeitig geantwortet.", TRY_THEN_ASK),
  upstream_websocket_refused: text("Der Hypervisor hat an der Konsolenadresse der Maschine keinen WebSocket geöffnet.", "Lassen Sie einen Administrator die Adresse, ihren Pfad und ihren Port prüfen; der Server dort muss WebSocket mit dem Unterprotokoll binary sprechen."),
  upstream_not_rfb: text("Was auf dem Konsolenport der Maschine antwortet, spricht kein RFB (VNC).", ASK_OPERATOR),
  upstream_security_unsupported: text("Der Hypervisor bietet nur Anmeldeverfahren an, die nicht unterstützt werden.", ASK_OPERATOR),
  upstream_password_missing: text("Der Hypervisor verlangt ein Konsolenpasswort, und für diese Maschine ist keines hinterlegt.", "Lassen Sie es von einem Administrator setzen, mit „porthole machine update“."),
  upstream_password_not_asked: text("Der Hypervisor öffnet diese Konsole ohne das hinterlegte Passwort, es könnte also eine andere Maschine sein als die gemeinte.", "Lassen Sie einen Administrator die Adresse der Maschine prüfen oder das Passwort mit „porthole machine update --no-password“ entfernen."),
  upstream_username_missing: text("Der Hypervisor verlangt einen Benutzernamen, und für diese Maschine ist keiner hinterlegt.", "Lassen Sie ihn von einem Administrator setzen, mit „porthole machine update --username“."),
  upstream_username_not_asked: text("Der Hypervisor fragt nicht nach dem hinterlegten Benutzernamen, es könnte also eine andere Maschine sein als die gemeinte.", "Lassen Sie einen Administrator die Adresse der Maschine prüfen oder den Benutzernamen mit „porthole machine update --no-username“ entfernen."),
  upstream_tls_needed: text("Der Hypervisor nimmt diese Konsole nur über TLS an, und es ist nicht hinterlegt, woran sein Zertifikat zu erkennen ist.", "Lassen Sie das von einem Administrator setzen, mit „porthole machine update --tls verify“."),
  upstream_tls_not_offered: text("Der Hypervisor bietet diese Konsole ohne TLS an, das für diese Maschine verlangt wird; jemand dazwischen könnte das Angebot entfernt haben.", "Lassen Sie einen Administrator die Einstellungen des Hypervisors und den Weg dorthin ansehen; ihm wurde nichts gesagt."),
  upstream_tls_anonymous: text("Der Hypervisor bietet nur TLS ohne Zertifikat an, sodass niemand weiß, wer er ist; jemand dazwischen könnte das übrige Angebot entfernt haben.", "Lassen Sie einen Administrator dem Hypervisor ein Zertifikat geben, oder das mit „porthole machine update --tls insecure“ erlauben."),
  upstream_tls_failed: text("Der Hypervisor und der Konsolenknoten fanden keinen Weg, miteinander TLS zu sprechen.", ASK_OPERATOR),
  upstream_certificate_unknown: text("Das Zertifikat des Hypervisors kommt von keiner Stelle, der für diese Maschine vertraut wird; es könnte also jemand anderes sein.", "Lassen Sie einen Administrator die Stelle mit „porthole machine update --tls verify --ca-file“ setzen oder das Zertifikat festlegen."),
  upstream_certificate_expired: text("Das Zertifikat des Hypervisors ist abgelaufen oder noch nicht gültig.", "Lassen Sie es vom Betreiber erneuern und die Uhren beider ansehen."),
  upstream_certificate_name: text("Das Zertifikat des Hypervisors gilt für einen anderen Namen; es könnte also jemand anderes sein.", "Lassen Sie einen Administrator die Adresse der Maschine prüfen oder den Namen mit „porthole machine update --tls verify --server-name“ setzen."),
  upstream_certificate_changed: text("Das Zertifikat des Hypervisors ist nicht das für diese Maschine festgelegte; es könnte also jemand anderes sein.", "Wurde das Zertifikat erneuert, lassen Sie einen Administrator das neue festlegen, mit „porthole machine update --tls pin --pin“."),
  upstream_ra2_not_offered: text("Der Hypervisor bietet RA2 nicht an, an dessen Schlüssel diese Maschine erkannt wird; jemand dazwischen könnte das Angebot entfernt haben.", "Lassen Sie einen Administrator die Einstellungen des Hypervisors und den Weg dorthin ansehen; ihm wurde nichts gesagt."),
  upstream_key_changed: text("Der RSA-Schlüssel des Hypervisors ist nicht der für diese Maschine festgelegte; es könnte also jemand anderes sein.", "Wurde der Schlüssel neu erzeugt, lassen Sie einen Administrator den neuen festlegen, mit „porthole machine update --tls pin --pin ra2:…“."),
  upstream_client_certificate: text("Der Hypervisor hat das für diese Maschine hinterlegte Client-Zertifikat nicht angenommen, oder er verlangt eines, wo keines ist.", "Lassen Sie einen Administrator eines setzen, dem der Hypervisor vertraut, mit „porthole machine update --client-cert --client-key“."),
  upstream_authentication_failed: text("Der Hypervisor hat das hinterlegte Konsolenpasswort nicht angenommen.", ASK_OPERATOR),
  upstream_password_paced: text("Niemand weiß, ob der Hypervisor das hinterlegte Konsolenpasswort annimmt, oder er hat es mehrmals nicht getan; deshalb wird er nur von wenigen zugleich und eine Weile nicht mehr gefragt: Manche sperren nach fünf falschen Passwörtern alle aus.", "Versuchen Sie es noch einmal, wenn es so weit ist. Ist das Passwort falsch, lassen Sie einen Administrator das richtige setzen, mit „porthole machine update --password-file“: Das wird sofort versucht."),
  upstream_busy: text("So viele haben die Konsole dieser Maschine zugleich geöffnet, dass diese nicht rechtzeitig an der Reihe war.", "Versuchen Sie es gleich noch einmal."),
  upstream_refused: text("Der Hypervisor hat die Konsole nicht geöffnet.", TRY_THEN_ASK),
  upstream_consoles_exhausted: text("Der Hypervisor öffnet keine weitere Konsole dieser Maschine: Es sind so viele offen, wie er zulässt.", "Schließen Sie die Konsole, die anderswo offen ist, vielleicht in den Werkzeugen des Hypervisors, und versuchen Sie es noch einmal; oder lassen Sie die Grenze vom Betreiber anheben."),
  upstream_ticket_refused: text("Der Hypervisor kennt das Ticket nicht, das er für diese Konsole gegeben hat: Die Maschine ist gerade auf einen anderen Host umgezogen oder angehalten worden, oder das Ticket wurde nicht rechtzeitig benutzt.", "Öffnen Sie die Konsole noch einmal: dann wird der Hypervisor um ein anderes gebeten."),
  nova_unreachable: text("Das Nova, das diese Konsole vergeben hat, hat nicht geantwortet, darum konnte sein Token nicht geprüft werden.", "Versuchen Sie es gleich noch einmal; bleibt es so, sagen Sie es Ihrem Betreiber."),
  nova_refused: text("Das Nova, das diese Konsole vergeben hat, beantwortet Portholes Fragen nach seinen Tokens nicht.", "Sagen Sie es Ihrem Betreiber: Das Konto, mit dem Porthole Nova fragt, muss das eines Administrators sein."),
  nova_console_unfit: text("Nova hat eine Konsole anderer Art vergeben, als diese Adresse bedient.", "Sagen Sie es Ihrem Betreiber: Jede Art von Konsole hat in Novas Konfiguration eine eigene Adresse."),
  spice_in_use: text("Die Konsole dieses Links ist schon offen, und SPICE hat einen Betrachter zur Zeit.", "Schließen Sie die Seite, in der sie offen ist, und öffnen Sie die Konsole dann noch einmal."),
  upstream_not_spice: text("Was am Konsolenport der Maschine antwortet, spricht kein SPICE.", ASK_OPERATOR),
  upstream_not_authd: text("Was am Port des ESXi-Hosts antwortet, spricht nicht wie VMwares authd.", ASK_OPERATOR),
  upstream_certificate_unvouched: text("Das Zertifikat des ESXi-Hosts ist nicht das, das für diese Konsole genannt wurde; es könnte also jemand anderes sein.", "Öffnen Sie die Konsole noch einmal; bleibt es dabei, lassen Sie den Betreiber das Zertifikat des Hosts ansehen."),
  upstream_protocol_error: text("Der Hypervisor hat etwas gesendet, das im Protokoll der Konsole nicht vorkommt.", ASK_OPERATOR),
  upstream_line_busy: text(
    "Jemand hat die serielle Leitung dieser Maschine schon am Hypervisor offen, und sie trägt eine Verbindung.",
    "Lassen Sie sie dort schließen und öffnen Sie sie dann noch einmal. Ein Knoten, der gerade ausgefallen ist, kann sie noch eine halbe Minute haben.",
  ),
  upstream_line_taken: text(
    "Der Hypervisor hat diese serielle Leitung weggenommen: Jemand hat sie dort geöffnet.",
    "Fragen Sie, wer an der Maschine arbeitet, und öffnen Sie sie dann noch einmal.",
  ),
  upstream_closed: text("Der Hypervisor hat die Konsole geschlossen.", "Sehen Sie nach, ob die Maschine noch läuft, und öffnen Sie die Konsole dann noch einmal."),
  upstream_lost: text("Die Verbindung zum Hypervisor ist abgebrochen.", "Öffnen Sie die Konsole noch einmal."),

  // The way from the viewer to the node
  no_hypervisor: text("Diese Maschine wurde von Hand eingetragen, darum ist kein Hypervisor bekannt, der sich fragen ließe.", "Starten oder stoppen Sie sie dort, wo sie verwaltet wird; was sie zeigt, zeigt ihre Konsole."),
  hypervisor_read_only: text("Der Hypervisor dieser Maschine ist nur zum Ansehen eingetragen, darum wird nichts von ihm verlangt.", "Starten oder stoppen Sie die Maschine dort, wo sie verwaltet wird, oder lassen Sie einen Administrator den Hypervisor ohne „--read-only“ eintragen."),
  power_unfit: text("Der Zustand der Maschine passt nicht dazu: Was läuft, kann nicht gestartet werden, und was nicht läuft, kann nur gestartet werden.", "Sehen Sie nach dem Zustand der Maschine, der sich inzwischen geändert haben kann."),
  hypervisor_unreachable: text("Der Hypervisor dieser Maschine ist nicht zu erreichen, darum wurde nichts von ihm verlangt.", TRY_THEN_ASK),
  hypervisor_refused: text("Der Hypervisor dieser Maschine hat nicht getan, was von ihm verlangt wurde.", TRY_THEN_ASK),

  viewer_closed: text("Sie haben die Konsole geschlossen.", "Öffnen Sie sie wieder, wenn Sie sie brauchen."),
  viewer_lost: text("Die Verbindung zwischen Ihrem Browser und dem Konsolenknoten ist abgebrochen.", "Prüfen Sie Ihr Netz, und öffnen Sie die Konsole dann noch einmal."),
  viewer_timeout: text("Die Anzeige hat ihren Verbindungsaufbau nicht rechtzeitig beendet.", "Öffnen Sie die Konsole noch einmal."),
  viewer_protocol_error: text("Die Anzeige hat etwas gesendet, das im Protokoll der Konsole nicht vorkommt.", "Öffnen Sie die Konsole mit ihrer eigenen Seite oder benutzen Sie eine andere Anzeige: für einen Bildschirm eine, die RFB 3.3, 3.7 oder 3.8 (VNC) spricht."),
  subprotocol_unsupported: text("Die Anzeige wollte WebSocket-Unterprotokolle, die hier nicht gesprochen werden.", "Fragen Sie nach porthole.v1, nach binary, oder nach keinem."),

  // Said by the viewer itself, when no node could say anything
  node_unreachable: text("Ihr Browser erreicht den Konsolenknoten nicht.", "Prüfen Sie Ihr Netz, und öffnen Sie die Konsole dann noch einmal."),
  websocket_blocked: text("Der Konsolenknoten antwortet, aber etwas auf dem Weg lässt keine WebSockets durch.", "Sagen Sie es Ihrem Betreiber: Der Reverse-Proxy oder die Firewall vor dem Knoten muss WebSockets durchlassen."),
  viewer_incomplete: text("Ein Teil der Anzeige ließ sich nicht laden.", "Prüfen Sie Ihr Netz, und öffnen Sie die Konsole dann noch einmal."),

  // The installation
  node_full: text("Dieser Konsolenknoten trägt so viele Konsolen, wie er kann.", AGAIN_IN_A_MOMENT),
  node_stopping: text("Der Konsolenknoten wurde von seinem Betreiber angehalten.", "Öffnen Sie die Konsole noch einmal."),
  node_restarting: text("Der Konsolenknoten wird von seinem Betreiber neu gestartet.", "Öffnen Sie die Konsole noch einmal: ein anderer Konsolenknoten übernimmt sie, oder dieser, wenn er wieder da ist."),
  node_draining: text("Der Konsolenknoten wird außer Dienst genommen.", "Öffnen Sie die Konsole noch einmal: ein anderer Konsolenknoten übernimmt sie."),
  node_lost: text("Der Konsolenknoten, der diese Konsole getragen hat, ist nicht mehr da.", "Öffnen Sie die Konsole noch einmal."),
  kubernetes_unavailable: text("Die Kubernetes-API ließ sich nicht fragen, ob dieser Knoten beitreten darf.", "Sehen Sie im Protokoll der Steuerung nach, warum, und versuchen Sie es dann noch einmal."),
  node_revoked: text("Der Konsolenknoten, der diese Konsole getragen hat, wurde außer Dienst gestellt.", "Öffnen Sie die Konsole noch einmal."),
  machine_busy: text("Diese Konsole nimmt nur einen Betrachter auf einmal, und der Konsolenknoten, der sie hält, ist nicht erreichbar oder voll.", "Warten Sie, bis die andere Konsole geschlossen ist, und öffnen Sie diese dann noch einmal; bleibt es so, sagen Sie es Ihrem Betreiber."),
  console_unavailable: text("Diese Maschine hat keine Konsole dieser Art.", "Öffnen Sie eine andere; eine serielle Leitung muss in ihrer Definition stehen oder mit „porthole machine update --serial-address“ eingetragen sein."),
  line_closed: text("Niemand hat diese serielle Leitung offen, und was eine Maschine sagt, während niemand da ist, wird nirgends aufbewahrt.", "Öffnen Sie ihre serielle Konsole, und fragen Sie noch einmal, solange sie offen ist."),
  line_full: text("An dieser seriellen Leitung sind so viele, wie es gleichzeitig sein dürfen.", "Warten Sie, bis jemand sie verlässt, und öffnen Sie sie dann noch einmal."),
  no_node_available: text("Kein Konsolenknoten ist bereit, diese Konsole zu übernehmen.", "Versuchen Sie es gleich noch einmal; bleibt es so, sagen Sie es Ihrem Betreiber."),
  node_away: text("Der Konsolenknoten, zu dem dieser Link gehört, antwortet nicht; der Link wurde nicht benutzt.", "Versuchen Sie es gleich noch einmal; bleibt es so, öffnen Sie die Konsole neu aus Ihrer Maschinenliste."),
  control_unreachable: text("Die Steuerung hat nicht geantwortet, darum ließ sich der Link nicht prüfen.", AGAIN_IN_A_MOMENT),
  database_unavailable: text("Die Steuerung erreicht ihre Datenbank nicht.", "Versuchen Sie es gleich noch einmal; bleibt es so, sagen Sie es Ihrem Betreiber."),
  internal: text("In Porthole ist etwas schiefgegangen.", ASK_OPERATOR),

  // The API
  request_invalid: text("Die Anfrage ist nicht gültig.", "Vergleichen Sie sie mit der Beschreibung der API; die der eigenen steht unter /api/v1/openapi.json."),
  unauthenticated: text("Die Anfrage trägt keinen gültigen Nachweis.", "Melden Sie sich an, oder senden Sie einen API-Schlüssel mit seinem geheimen Schlüssel."),
  forbidden: text("Dieses Konto darf das nicht.", "Fragen Sie einen Administrator."),
  not_found: text("Hier ist nichts, oder es ist nicht für Sie bestimmt.", "Prüfen Sie den Namen oder die Kennung."),
  method_not_allowed: text("Diese Adresse nimmt diese Methode nicht an.", "Vergleichen Sie die Anfrage mit /api/v1/openapi.json."),
  request_timeout: text("Die Anfrage kam nicht rechtzeitig an.", "Prüfen Sie Ihr Netz, und versuchen Sie es dann noch einmal."),
  conflict: text("Etwas, das es schon gibt, steht im Weg.", "Wählen Sie einen anderen Namen, oder entfernen Sie zuerst, was im Weg steht."),
  body_too_large: text("Die Anfrage ist größer, als hier angenommen wird.", "Senden Sie weniger auf einmal."),
  headers_too_large: text("Die Kopfzeilen der Anfrage sind länger oder mehr, als hier angenommen werden.", "Senden Sie weniger und kürzere; meist sind es Cookies."),
  media_type_unsupported: text("Der Inhaltstyp der Anfrage wird hier nicht angenommen.", "Senden Sie application/json."),
  host_unknown: text("Unter diesem Namen ist dieser Server nicht bekannt.", "Benutzen Sie die Adresse, die der Server beim Start ausgegeben hat, oder setzen Sie seine öffentliche URL."),
  rate_limited: text("Von dort kamen zu viele Anfragen.", "Warten Sie eine Minute, und versuchen Sie es dann noch einmal."),
  sign_in_code_invalid: text("Dieser Anmeldelink wurde schon benutzt oder ist zu alt.", "Starten Sie Porthole neu, oder rufen Sie „porthole account sign-in-link“ auf, um einen neuen zu bekommen."),
  extra_token_required: text("Diese Installation verlangt zu jeder Konsole ein zusätzliches Geheimnis.", "Senden Sie eines mit, und geben Sie es der Anzeige getrennt vom Link."),
  certificate_refused: text("Das Zertifikat kann nicht benutzt werden.", "Beheben Sie alles, was genannt ist, und laden Sie es dann noch einmal hoch; was in Gebrauch war, bleibt in Gebrauch."),
  limit_reached: text("Davon gibt es schon so viele, wie es geben darf.", "Entfernen Sie eines, das nicht mehr gebraucht wird, und versuchen Sie es dann noch einmal."),

  // The node link
  join_token_invalid: text("Das Beitrittstoken ist falsch, aufgebraucht oder abgelaufen.", "Machen Sie ein neues mit „porthole join-token create“."),
  node_refused: text("Dieses Zertifikat gehört keinem Knoten dieser Installation.", "Lassen Sie den Knoten mit einem neuen Beitrittstoken noch einmal beitreten."),
  node_forgotten: text("Die Steuerung kennt diesen Konsolenknoten nicht mehr: er wurde entfernt, oder er ist jünger als die Sicherung, die eingespielt wurde.", "Lassen Sie den Knoten mit einem neuen Beitrittstoken noch einmal beitreten."),
  address_taken: text("Ein anderer Konsolenknoten hat diese öffentliche Adresse schon.", "Geben Sie jedem Knoten mit --public-address eine eigene; oder starten Sie, wo ein vorgeschalteter Proxy die Anzeigen auf mehrere Knoten verteilt, jeden von ihnen mit --behind-proxy."),
  no_public_address: text("Dieser Konsolenknoten hat keine eigene öffentliche Adresse, und sein Pool hat keine mehr zu vergeben.", "Geben Sie dem Pool mit „porthole public-ip-range add“ einen Bereich, entfernen Sie mit „porthole node remove“ Knoten, die es nicht mehr gibt, oder geben Sie dem Knoten eine --public-address."),
  node_superseded: text("Ein neuerer Start dieses Knotens hat seinen Platz eingenommen.", "Halten Sie den älteren Prozess an."),
};

function text(meaning: string, remedy: string): ErrorText {
  return { meaning, remedy };
}
