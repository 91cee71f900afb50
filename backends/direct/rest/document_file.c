/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of filed and the request that it belongs to. */
#include "backends/direct/rest/document.h"

/* The request is over, or its client gone: the number is given up even when its first call was not answered yet. */
static void
file_gone(void *arg)
{
	struct document_file *f = arg;
	if (f->io_running)
		task_cancel(&f->io);
	f->io_running = false;
	if (f->number != 0)
		filed_drop(f->r->worker->filed, f->number, f->undo);
	f->number = 0;
}

int
document_file_begin(struct document_file *f, struct request *r)
{
	f->r = r;
	if (r->worker->filed == NULL) /* a part of the gateway without its processes: a probe */
		return -1;
	if (arena_defer(r->task.arena, file_gone, f) != 0)
		return -1;
	f->number = filed_number(r->worker->filed);
	return 0;
}

static void
io_done(struct task *t)
{
	struct document_file *f = CONTAINER_OF(t, struct document_file, io);
	f->io_running = false;
	f->done(f);
}

void
document_file_run(struct document_file *f, const struct step_table *table, void (*done)(struct document_file *f))
{
	CHECK(!f->io_running);
	f->io = (struct task){ 0 };
	f->io_running = true;
	f->done = done;
	task_init(&f->io, f->r->task.loop, f->r->task.arena, table, f, io_done);
	task_run(&f->io);
}

static void
wait_cancel(void *op)
{
	struct document_file *f = op;
	f->waiting = false;
}
static const struct wait_ops wait_ops = { "document file", wait_cancel };

enum step
document_file_wait(struct document_file *f)
{
	if (wait_begin(&f->r->task, &wait_ops, f, UINT32_MAX) == NULL)
		return STEP_FAIL;
	f->waiting = true;
	return STEP_WAIT;
}

void
document_file_wake(struct document_file *f)
{
	if (!f->waiting)
		return;
	f->waiting = false;
	wait_wake(f->r->task.wait);
}
