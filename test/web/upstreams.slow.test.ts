import { after, before, describe, test } from "node:test";
import {
  FURTHER_WAYS,
  lackingUpstreamStage,
  openTypeAndClose,
  startUpstreamStage,
  type UpstreamStage,
} from "./upstream-stage.ts";

/** Slow, because each is a console in Chromium again, of parts that upstreams.test.ts and test/peers try by themselves. */
describe("a console in the browser", { skip: lackingUpstreamStage }, () => {
  let on: UpstreamStage;
  before(async () => {
    on = await startUpstreamStage();
  });
  after(async () => await on[Symbol.asyncDispose]());

  for (const [title, way] of Object.entries(FURTHER_WAYS))
    test(`is opened, typed into and closed through ${title}`, async () => await openTypeAndClose(on, way));
});
