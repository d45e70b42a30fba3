import { useId, useRef } from "preact/hooks";
import type { Project } from "#wire/api.ts";
import { words } from "../words.ts";
import type { HypervisorForm } from "./hypervisor-form.ts";

/** Into which project machines come by their names; the first rule that fits counts. */
export function RuleFields({
  form,
  projects,
}: {
  readonly form: HypervisorForm;
  readonly projects: readonly Project[];
}) {
  const othersId = useId();
  const place = useRef<HTMLFieldSetElement>(null);
  const w = words.value.ofHypervisors.form;
  const rules = form.rules.value;
  const change = (at: number, part: { readonly name?: string; readonly project?: string }) => {
    form.rules.value = rules.map((rule, index) => (index === at ? { ...rule, ...part } : rule));
  };
  // What was pressed may go with its line.
  const focus = (selector: string) =>
    requestAnimationFrame(() => place.current?.querySelector<HTMLElement>(selector)?.focus());

  return (
    <fieldset ref={place} class="rule-fields">
      <legend>{w.rules}</legend>
      <p class="small soft">{w.rulesHint}</p>
      {rules.map((rule, index) => (
        <div class="rule" key={index}>
          <input
            class="field mono"
            aria-label={w.ruleName(index + 1)}
            placeholder="web-*"
            autocapitalize="off"
            autocomplete="off"
            spellcheck={false}
            value={rule.name}
            onInput={(event) => change(index, { name: event.currentTarget.value })}
          />
          <span aria-hidden="true">→</span>
          <ProjectSelect
            label={w.ruleProject(index + 1)}
            projects={projects}
            value={rule.project}
            onChange={(project) => change(index, { project })}
          />
          <button
            type="button"
            class="button plain"
            aria-label={w.dropRule(index + 1)}
            title={w.dropRule(index + 1)}
            onClick={() => {
              form.rules.value = rules.filter((_, at) => at !== index);
              focus(".add-rule");
            }}
          >
            ×
          </button>
        </div>
      ))}
      <button
        type="button"
        class="button add-rule"
        onClick={() => {
          form.rules.value = [...rules, { name: "", project: projects[0]?.id ?? "" }];
          focus(".rule:last-of-type input");
        }}
      >
        {w.addRule}
      </button>
      <label for={othersId}>{rules.length === 0 ? w.all : w.others}</label>
      <ProjectSelect
        id={othersId}
        projects={projects}
        none={w.wait}
        value={form.others.value}
        onChange={(project) => {
          form.others.value = project;
        }}
      />
    </fieldset>
  );
}

function ProjectSelect({
  id,
  label,
  projects,
  none,
  value,
  onChange,
}: {
  readonly id?: string;
  readonly label?: string;
  readonly projects: readonly Project[];
  /** What it means to choose none. */
  readonly none?: string;
  readonly value: string;
  readonly onChange: (project: string) => void;
}) {
  return (
    <select
      id={id}
      class="field"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      {none !== undefined && <option value="">{none}</option>}
      {projects.map((project) => (
        <option key={project.id} value={project.id}>
          {project.name}
        </option>
      ))}
    </select>
  );
}
