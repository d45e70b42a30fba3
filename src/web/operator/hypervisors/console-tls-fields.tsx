import { Choice } from "../../ui/choice.tsx";
import { words } from "../words.ts";
import { CONSOLE_TLS, type HypervisorForm } from "./hypervisor-form.ts";
import { FileTextField, LineField } from "./text-field.tsx";

interface ConsoleTlsFieldsProps {
  readonly form: HypervisorForm;
  /** Of the pin. */
  readonly problems: readonly string[];
  readonly onWrite: () => void;
}

/** How nodes reach the consoles of its machines, which is another way than control's to the hypervisor. */
export function ConsoleTlsFields({ form, problems, onWrite }: ConsoleTlsFieldsProps) {
  const w = words.value.ofHypervisors.form;
  const mode = form.consoleTls.value;
  const platform = form.platform.value;
  // Where nothing is said of it, two platforms know better than that it is without.
  const unsaid = platform === "xenserver" || platform === "command" ? { none: w.unsaid[platform] } : {};
  const modes = { ...words.value.tlsModes, ...unsaid };

  return (
    <>
      <div class="described">
        <Choice
          legend={w.consoleTls}
          value={mode}
          options={CONSOLE_TLS.map((value) => ({ value, label: modes[value].word }))}
          onChoose={(chosen) => {
            form.consoleTls.value = chosen;
          }}
        />
        <p class="small soft" aria-live="polite">
          {modes[mode].meaning}
        </p>
      </div>
      {mode === "verify" && (
        <>
          <FileTextField label={w.consoleCa} hint={w.consoleCaHint} text={form.console.ca} />
          <LineField label={w.serverName} hint={w.serverNameHint} text={form.console.serverName} isMono />
        </>
      )}
      {mode === "pin" && (
        <LineField
          label={w.pin}
          hint={w.pinHint}
          text={form.console.pin}
          isMono
          placeholder="sha256:4f1c…"
          problems={problems}
          onWrite={onWrite}
        />
      )}
      {mode !== "none" && (
        <>
          <FileTextField
            label={w.consoleCertificate}
            hint={w.consoleCertificateHint}
            text={form.console.clientCertificate}
          />
          <FileTextField label={w.consoleKey} text={form.console.clientKey} />
        </>
      )}
    </>
  );
}
