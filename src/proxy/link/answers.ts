import { Compile } from "typebox/schema";
import { Grant } from "#wire/grant.ts";
import {
  Empty,
  HeartbeatResponse,
  JoinResponse,
  RegisterResponse,
  RenewResponse,
  ReopenResponse,
  ReportResponse,
} from "#wire/link.ts";
import { WhyResponse } from "#wire/link-why.ts";

/** Whether control's answer is what the link has it to be. */
export type IsAnswer<Answer> = (value: unknown) => value is Answer;

// Compiled, since each console that opens has its grant checked.
const grant = Compile(Grant);
const join = Compile(JoinResponse);
const register = Compile(RegisterResponse);
const heartbeat = Compile(HeartbeatResponse);
const reopen = Compile(ReopenResponse);
const report = Compile(ReportResponse);
const renew = Compile(RenewResponse);
const why = Compile(WhyResponse);
const empty = Compile(Empty);

export const isGrant: IsAnswer<Grant> = (value) => grant.Check(value);
export const isJoinResponse: IsAnswer<JoinResponse> = (value) => join.Check(value);
export const isRegisterResponse: IsAnswer<RegisterResponse> = (value) => register.Check(value);
export const isHeartbeatResponse: IsAnswer<HeartbeatResponse> = (value) => heartbeat.Check(value);
export const isReopenResponse: IsAnswer<ReopenResponse> = (value) => reopen.Check(value);
export const isReportResponse: IsAnswer<ReportResponse> = (value) => report.Check(value);
export const isRenewResponse: IsAnswer<RenewResponse> = (value) => renew.Check(value);
export const isWhyResponse: IsAnswer<WhyResponse> = (value) => why.Check(value);
export const isEmpty: IsAnswer<Empty> = (value) => empty.Check(value);
