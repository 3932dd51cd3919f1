# An example as a user runs it: it must end well, and say what it is expected to say.
#   cmake -DPROGRAM=... -DEXPECTED=<regex> -P says.cmake
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${PROGRAM} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE complained)
if(NOT status EQUAL 0 OR complained)
  message(FATAL_ERROR "status ${status}, standard error: ${complained}")
endif()
if(NOT said MATCHES "${EXPECTED}")
  message(FATAL_ERROR "expected \"${EXPECTED}\", got\n${said}")
endif()
