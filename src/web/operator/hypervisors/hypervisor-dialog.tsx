import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { Project } from "#wire/api.ts";
import { CONSOLE_WAYS, type Hypervisor } from "#wire/hypervisors.ts";
import { Choice } from "../../ui/choice.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { StateShape } from "../../ui/icons.tsx";
import type { Api, ApiError } from "../api.ts";
import { FormField } from "../form-field.tsx";
import { Problem } from "../problem.tsx";
import { apiError } from "../visitor.ts";
import { words } from "../words.ts";
import { ConsoleTlsFields } from "./console-tls-fields.tsx";
import {
  CREDENTIALS,
  type Credential,
  type Field,
  HypervisorForm,
  PLATFORMS,
  WAYS,
} from "./hypervisor-form.ts";
import { PoolField } from "./pool-field.tsx";
import { RuleFields } from "./rule-fields.tsx";
import { FileTextField, LineField } from "./text-field.tsx";
import { TickField } from "./tick-field.tsx";

interface HypervisorDialogProps {
  readonly api: Api;
  readonly projects: readonly Project[];
  /** Which is to be changed; absent: a new one. */
  readonly known?: Hypervisor | undefined;
  readonly onDone: (hypervisor: Hypervisor) => void;
  readonly onClose: () => void;
}

/** Has control know a hypervisor, or know another thing of it. What is wrong is said where it is; what was written stays until it is right. */
export function HypervisorDialog({ api, projects, known, onDone, onClose }: HypervisorDialogProps) {
  const form = useMemo(
    () => new HypervisorForm(known === undefined ? undefined : { hypervisor: known, projects }),
    [],
  );
  const place = useRef<HTMLFormElement>(null);
  const error = useSignal<ApiError | undefined>(undefined);
  const wrong = useSignal<Readonly<Partial<Record<Field, string>>>>({});
  const isBusy = useSignal(false);
  const w = words.value.ofHypervisors;
  const kind = form.kind.value;

  async function submit() {
    if (isBusy.value) return;
    error.value = undefined;
    wrong.value = Object.fromEntries(form.missing().map((field) => [field, w.form.missing[field]]));
    if (Object.keys(wrong.value).length > 0) {
      toFirstWrong();
      return;
    }
    isBusy.value = true;
    try {
      onDone(
        known === undefined
          ? await api.addHypervisor(form.body())
          : await api.changeHypervisor(known.id, form.change()),
      );
    } catch (thrown) {
      refused(apiError(thrown));
    } finally {
      isBusy.value = false;
    }
  }

  function refused(thrown: ApiError) {
    const [, field, said] = /^(name|address|pool|consoleTls\.pin): (.*)$/s.exec(thrown.detail ?? "") ?? [];
    if (thrown.code === "conflict") wrong.value = { name: w.form.taken };
    else if (thrown.code === "request_invalid" && field !== undefined && said !== undefined)
      wrong.value = { [field]: said };
    else error.value = thrown;
    toFirstWrong();
  }

  // Behind the next rendering, which says what is wrong.
  const toFirstWrong = () =>
    requestAnimationFrame(() =>
      place.current?.querySelector<HTMLElement>("[aria-invalid=true], .problem")?.focus(),
    );
  const problems = (field: Field) => (wrong.value[field] === undefined ? [] : [wrong.value[field]]);
  const forget = (field: Field) => {
    const { [field]: _, ...others } = wrong.value;
    wrong.value = others;
  };

  return (
    <Dialog title={known === undefined ? w.add : w.changeOf(known.name)} onClose={onClose}>
      <form
        ref={place}
        class="form"
        autocomplete="off"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {!window.isSecureContext && (
          <p class="notice caution">
            <StateShape shape="half" />
            <span>{w.form.inTheClear}</span>
          </p>
        )}
        <LineField
          label={w.name}
          hint={w.form.nameHint}
          text={form.name}
          problems={problems("name")}
          onWrite={() => forget("name")}
        />
        {known === undefined && (
          <FormField label={w.form.platform} problems={[]}>
            {(control) => (
              <select
                {...control}
                class="field"
                value={form.platform.value}
                onChange={({ currentTarget: { value } }) => {
                  form.platform.value = PLATFORMS.find((each) => each === value) ?? "libvirt";
                }}
              >
                {PLATFORMS.map((each) => (
                  <option key={each} value={each}>
                    {w.platforms[each]}
                  </option>
                ))}
              </select>
            )}
          </FormField>
        )}
        {known === undefined && form.platform.value === "libvirt" && (
          <Choice
            legend={w.form.way}
            value={form.way.value}
            options={WAYS.map((value) => ({ value, label: w.form.ways[value] }))}
            onChoose={(chosen) => {
              form.way.value = chosen;
            }}
          />
        )}
        <LineField
          label={w.address}
          hint={w.form.addressHints[kind]}
          text={form.address}
          isMono
          placeholder={w.form.addresses[kind]}
          problems={problems("address")}
          onWrite={(text) => {
            form.writeAddress(text);
            forget("address");
          }}
        />
        {known !== undefined && CREDENTIALS[kind].length > 0 && <p class="small soft">{w.form.keptHint}</p>}
        {CREDENTIALS[kind].map((name) => (
          <CredentialField key={name} form={form} name={name} />
        ))}
        <RuleFields form={form} projects={projects} />
        <PoolField api={api} text={form.pool} problems={problems("pool")} onWrite={() => forget("pool")} />
        <Options form={form} />
        {form.hasConsoleTls && (
          <ConsoleTlsFields
            form={form}
            problems={problems("consoleTls.pin")}
            onWrite={() => forget("consoleTls.pin")}
          />
        )}
        {error.value !== undefined && <Problem error={error.value} />}
        <div class="row actions">
          <button type="submit" class="button primary" aria-busy={isBusy.value}>
            {known === undefined ? w.form.submit : w.form.save}
          </button>
          <button type="button" class="button" onClick={onClose}>
            {w.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function CredentialField({ form, name }: { readonly form: HypervisorForm; readonly name: Credential }) {
  const w = words.value.ofHypervisors.form;
  const kind = form.kind.value;
  const own = { ...w.credentials[name], ...(w.ownCredentials[kind]?.[name] ?? {}) };
  const field = { ...own, text: form.texts[name] };

  if (name === "username") return <LineField {...field} />;
  if (name === "pin") return <LineField {...field} isMono placeholder="sha256:4f1c…" />;
  // A kubeconfig has lines.
  return <FileTextField {...field} isSecret={name === "secret" && kind !== "kubevirt"} />;
}

function Options({ form }: { readonly form: HypervisorForm }) {
  const w = words.value.ofHypervisors.form;
  const platform = form.platform.value;
  const isLibvirt = platform === "libvirt";
  const isVsphere = platform === "vsphere";
  // The others have none, or one for each console.
  const hint =
    isLibvirt || platform === "command" ? `${w.readOnlyHint} ${w.passwordsHidden}` : w.readOnlyHint;

  return (
    <div class="stack options">
      <TickField label={w.readOnly} hint={hint} ticked={form.readOnly} />
      {isVsphere && !form.readOnly.value && (
        <div class="described">
          <Choice
            legend={w.consoles}
            value={form.consoles.value}
            options={CONSOLE_WAYS.map((value) => ({ value, label: w.consolesWays[value] }))}
            onChoose={(chosen) => {
              form.consoles.value = chosen;
            }}
          />
          <p class="small soft" aria-live="polite">
            {w.consolesHints[form.consoles.value]}
          </p>
        </div>
      )}
      {isLibvirt && !form.readOnly.value && (
        <TickField label={w.sessionPasswords} hint={w.sessionPasswordsHint} ticked={form.sessionPasswords} />
      )}
      {form.takesSerialStreams && (
        <TickField
          label={w.serialStreams}
          hint={`${w.serialStreamsHint} ${w.serialStreamsWays[form.way.value === "tls" ? "tls" : "socket"]}`}
          ticked={form.serialStreams}
        />
      )}
    </div>
  );
}
