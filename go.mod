module outboundmonitor

go 1.26.0
