namespace Conclave.Tests;
