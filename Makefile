.PHONY: run client demo test bench bench_micro format prepare_run prepare_test
.PHONY: ecosysten_up ecosystem_up ecosystem_down ecosystem_test docker_answers

# Programs are started by their own name, and find .NET where this SDK is. Without ICU .NET would skip NFC in silence.
export DOTNET_ROOT ?= $(patsubst %/,%,$(dir $(realpath $(shell command -v dotnet))))
unexport DOTNET_SYSTEM_GLOBALIZATION_INVARIANT

# Whoever runs .NET for the first time should read what we say, not its greeting, and need not report to its makers.
export DOTNET_NOLOGO ?= 1
export DOTNET_CLI_TELEMETRY_OPTOUT ?= 1
export DOTNET_GENERATE_ASPNET_CERTIFICATE ?= false

# Who only wants to run it need not wait for the analyzers; make test does not spare them.
# By msbuild, for "dotnet build" has a summary that nothing turns off.
RELEASE = dotnet msbuild -restore -nologo -verbosity:quiet -p:Configuration=Release -p:RunAnalyzers=false

# CONCLAVE_URLS, CONCLAVE_DATA and CONCLAVE_DATABASE steer it (docs/operations.md).
run: prepare_run
	@[ -e artifacts/bin/Server/release ] || echo "Building the server; the first time takes a minute."
	@$(RELEASE) server
	@exec artifacts/bin/Server/release/conclave-server

client:
	@[ -e artifacts/bin/Client/release ] || echo "Building the client; the first time takes a minute."
	@$(RELEASE) client
	@[ -t 0 ] || { echo "The client is artifacts/bin/Client/release/conclave."; exit; }; \
	exec artifacts/bin/Client/release/conclave

# The whole story with the real programs, on a throw-away server; fails if anything is not as it should be.
demo: prepare_run
	@$(RELEASE) server
	@$(RELEASE) client
	@dotnet run .ci/demo.cs

test: prepare_test
	@dotnet run .ci/test.cs

# How fast it is, against the least that a durable server must do (docs/performance.md). QUICK=1 takes a few minutes and
# writes nothing that is committed; ONLY=P1,P4 runs the workloads whose names start so.
bench: prepare_run
	@for part in server bench/Load bench/Floor bench/Rounds; do $(RELEASE) $$part || exit 1; done
	@exec artifacts/bin/Rounds/release/conclave-bench $(if $(QUICK),quick) $(if $(ONLY),"only=$(ONLY)")

# The small loops, with what each allocates.
bench_micro:
	@$(RELEASE) bench/Micro
	@exec artifacts/bin/Micro/release/conclave-micro

format:
	dotnet format Conclave.slnx

prepare_run:
	@.ci/prepare run

prepare_test:
	@.ci/prepare test

# Server and database in containers; the first spelling is that of the product's first description.
ecosysten_up ecosystem_up: docker_answers
	docker compose up --detach --build --wait || { docker compose logs --tail 20 server database >&2; exit 1; }
	@echo
	@echo "Conclave listens on ws://$$(docker compose port server 7720), for programs on this machine."
	@echo "Next: make client for the menu, or send it JSON with any WebSocket client (docs/protocol.md)."
	@echo "The data lie in the Docker volume conclave_database, the key to them in conclave_data: back up both"
	@echo "(docs/operations.md). They outlive make ecosystem_down, which stops the containers."

ecosystem_down: docker_answers
	docker compose down

# Tries the containers for real, in a compose project of its own that it removes afterwards.
ecosystem_test: docker_answers
	dotnet run .ci/ecosystem.cs

docker_answers:
	@command -v docker >/dev/null || { echo "Docker is not installed: there is no docker on the PATH." >&2; exit 1; }
	@docker compose version >/dev/null 2>&1 || { echo "Docker has no compose plugin (docker compose)." >&2; exit 1; }
	@docker info >/dev/null 2>&1 || { echo "No Docker engine answers: is it running, and may you use it?" >&2; exit 1; }
