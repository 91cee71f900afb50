/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control process: health and metrics for operators, over evhttp on a loopback or unix listener. Never exposed; no patient data. */
#ifndef GATEWAY_CONTROL_CONTROL_H
#define GATEWAY_CONTROL_CONTROL_H

#include "gateway/config/conf.h"
#include "gateway/metrics/metrics.h"

/* Serves until SIGTERM. /healthz: the process lives. /readyz: each dependency as JSON, 503 when one is down. /metrics: Prometheus. */
int control_serve(const struct conf *conf, struct metrics *metrics, int listen_fd, const struct log *log);

#endif
